// Memory for tests, without the C++ library.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// `count` zeros that are given back at the end of the block. Out of memory ends the program.
template <class T>
class Memory {
 public:
  explicit Memory(size_t count) : data_(static_cast<T*>(calloc(count + 1, sizeof(T)))), count_(count) {
    if (data_ == nullptr) {
      abort();
    }
  }
  ~Memory() { free(data_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] size_t count() const { return count_; }
  [[nodiscard]] size_t bytes() const { return count_ * sizeof(T); }
  T& operator[](ptrdiff_t index) const { return data_[index]; }

 private:
  T* data_;
  size_t count_;
};

// Numbers that look random and are the same on every machine (xorshift).
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 2654435761U + 1U) {}

  uint32_t next() {
    state_ ^= state_ << 13U;
    state_ ^= state_ >> 17U;
    state_ ^= state_ << 5U;
    return state_;
  }
  int32_t below(int32_t end) { return static_cast<int32_t>(next() % static_cast<uint32_t>(end)); }
  float between(float low, float high) { return low + (high - low) * (static_cast<float>(next() >> 8U) / 16777216.0F); }

 private:
  uint32_t state_;
};
