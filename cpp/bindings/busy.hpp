// What Python's threads may not share.
#pragma once

#include <atomic>
#include <stdexcept>

namespace posecore::python {

// What is used by one thread at a time: a second one is told, not let in.
class Alone {
 public:
  Alone(std::atomic<bool>* busy, const char* sentence) : busy_(busy) {
    if (busy_->exchange(true)) {
      throw std::runtime_error(sentence);
    }
  }
  ~Alone() { busy_->store(false); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  std::atomic<bool>* busy_;
};

}  // namespace posecore::python
