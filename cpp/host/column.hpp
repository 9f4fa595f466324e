// A growing column of plain values, for files whose number of rows nobody knows before their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace posecore::host {

// Grown with realloc: large columns are moved by the kernel page by page, so that there are never two of them.
template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>, "realloc moves the values");

 public:
  Column() = default;
  ~Column() { std::free(data_); }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;

  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] const T& operator[](size_t row) const { return data_[row]; }
  [[nodiscard]] T& operator[](size_t row) { return data_[row]; }
  void clear() { size_ = 0; }

  // Room for `count` more values, which are part of the column from now on; nullptr where memory ran out.
  [[nodiscard]] T* extend(size_t count) {
    if (count > room_ - size_ && !grow(count)) {
      return nullptr;
    }
    T* const first = data_ + size_;
    size_ += count;
    return first;
  }

  // false where memory ran out.
  [[nodiscard]] bool append(T value) {
    if (size_ == room_ && !grow(1)) {
      return false;
    }
    data_[size_++] = value;
    return true;
  }

  [[nodiscard]] bool append(const T* values, size_t count) {
    if (count == 0) {
      return true;
    }
    T* const first = extend(count);
    if (first == nullptr) {
      return false;
    }
    std::memcpy(first, values, count * sizeof(T));
    return true;
  }

  // The values, which the caller gives back with free(); nullptr where there are none.
  [[nodiscard]] T* release() {
    T* released = data_;
    if (size_ == 0) {
      std::free(data_);
      released = nullptr;
    } else if (void* fitting = std::realloc(data_, size_ * sizeof(T)); fitting != nullptr) {
      released = static_cast<T*>(fitting);
    }
    data_ = nullptr;
    size_ = room_ = 0;
    return released;
  }

 private:
  [[nodiscard]] bool grow(size_t count) {
    constexpr size_t kLeast = 64;
    constexpr size_t kMost = static_cast<size_t>(PTRDIFF_MAX) / sizeof(T);
    if (count > kMost - size_) {
      return false;
    }
    const size_t needed = size_ + count;
    size_t room = room_ > kMost / 2 ? kMost : 2 * room_;
    room = room < needed ? needed : room;
    room = room < kLeast ? kLeast : room;
    void* const moved = std::realloc(data_, room * sizeof(T));
    if (moved == nullptr) {
      return false;
    }
    data_ = static_cast<T*>(moved);
    room_ = room;
    return true;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t room_ = 0;
};

}  // namespace posecore::host
