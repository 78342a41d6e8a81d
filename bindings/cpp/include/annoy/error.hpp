// What goes wrong, and who is told.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "kinds.hpp"

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define ANNOY_RS_EXCEPTIONS 1
#else
#define ANNOY_RS_EXCEPTIONS 0
#endif

namespace annoy {

// The outcome of a call. Newer libraries may know more.
enum class status : annoy_status {
  ok = ANNOY_OK,
  null = ANNOY_ERR_NULL,  // also: the index was moved from
  argument = ANNOY_ERR_ARGUMENT,
  dimension = ANNOY_ERR_DIMENSION,
  item = ANNOY_ERR_ITEM,
  state = ANNOY_ERR_STATE,
  io = ANNOY_ERR_IO,
  format = ANNOY_ERR_FORMAT,
  not_finite = ANNOY_ERR_NOT_FINITE,
  no_memory = ANNOY_ERR_NO_MEMORY,
  cancelled = ANNOY_ERR_CANCELLED,
  too_small = ANNOY_ERR_TOO_SMALL,
  unsupported = ANNOY_ERR_UNSUPPORTED,
  corrupt = ANNOY_ERR_CORRUPT,
  label = ANNOY_ERR_LABEL,  // there is no such label, or it is another item's
  panic = ANNOY_ERR_PANIC,
};

[[nodiscard]] inline const char* status_name(status which) noexcept {
  return annoy_status_name(static_cast<annoy_status>(which));
}

// The category of std::error_code for annoy::status.
[[nodiscard]] inline const std::error_category& status_category() noexcept {
  class category final : public std::error_category {
    const char* name() const noexcept override { return "annoy"; }
    std::string message(int code) const override { return annoy_status_name(code); }
    std::error_condition default_error_condition(int code) const noexcept override {
      switch (static_cast<status>(code)) {
        case status::argument: return std::errc::invalid_argument;
        case status::no_memory: return std::errc::not_enough_memory;
        case status::cancelled: return std::errc::operation_canceled;
        case status::too_small: return std::errc::no_buffer_space;
        case status::unsupported: return std::errc::not_supported;
        default: return std::error_condition(code, *this);
      }
    }
  };
  static const category only;
  return only;
}

[[nodiscard]] inline std::error_code make_error_code(status which) noexcept {
  return std::error_code(static_cast<int>(which), status_category());
}

// What went wrong in the last call that took it. False in a condition when that call succeeded.
class failure {
 public:
  failure() noexcept { clear(); }
  explicit operator bool() const noexcept { return raw_.code != ANNOY_OK; }
  [[nodiscard]] annoy::status status() const noexcept {
    return static_cast<annoy::status>(raw_.code);
  }
  // The operating system's error number, 0 if there was none.
  [[nodiscard]] int os_errno() const noexcept { return raw_.os_errno; }
  // What was wrong, what was found and what was expected: UTF-8.
  [[nodiscard]] const char* message() const noexcept { return raw_.message; }
  // The status; and the operating system's number, comparable with std::errc.
  [[nodiscard]] std::error_code code() const noexcept { return make_error_code(status()); }
  [[nodiscard]] std::error_code os_code() const noexcept {
    return {raw_.os_errno, std::system_category()};
  }
  // Throws it as an annoy::error. Where exceptions are off, prints it to stderr and aborts.
  [[noreturn]] inline void raise() const;

  void clear() noexcept { set(annoy::status::ok, 0, ""); }

  // For calls of annoy.h: `why.record(annoy_build(index, 10, -1, why.native()))` is true when the
  // call succeeded.
  [[nodiscard]] annoy_error* native() noexcept { return &raw_; }
  bool record(annoy_status returned) noexcept {
    if (returned != ANNOY_OK) return false;
    clear();
    return true;
  }
  // Makes it a failure of the caller's own. Returns false.
  bool set(annoy::status which, int os_errno, const char* message) noexcept {
    raw_.code = static_cast<annoy_status>(which);
    raw_.os_errno = os_errno;
    raw_.message[std::string_view(message).copy(raw_.message, sizeof raw_.message - 1)] = '\0';
    return false;
  }

 private:
  annoy_error raw_;
};

// What calls throw: a failure. what() is its message.
class error : public std::runtime_error, public failure {
 public:
  explicit error(const failure& why) : std::runtime_error(why.message()), failure(why) {}
};

inline void failure::raise() const {
#if ANNOY_RS_EXCEPTIONS
  throw error(*this);
#else
  std::fprintf(stderr, "annoy: %s\n", message());
  std::abort();
#endif
}

// The last parameter of every call that can fail: an annoy::failure, which is told and nothing is
// thrown; or nothing, and the call throws.
class on_error {
 public:
  on_error() noexcept : tell_(nullptr) {}
  on_error(failure& why) noexcept : tell_(&why) {}
  on_error(const on_error&) = delete;
  on_error& operator=(const on_error&) = delete;

  [[nodiscard]] failure& why() noexcept { return tell_ ? *tell_ : own_; }
  [[nodiscard]] annoy_error* native() noexcept { return why().native(); }
  // Whether a call of annoy.h that was given native() succeeded. Throws where nobody is told.
  bool ok(annoy_status returned) {
    if (why().record(returned)) return true;
    if (!tell_) own_.raise();
    return false;
  }
  // A failure that is found on the way to the library. Returns false.
  bool refuse(status which, const char* message) {
    why().set(which, 0, message);
    return ok(static_cast<annoy_status>(which));
  }
  // A call of annoy.h; and one that writes a result before its error, which stays `value` when it
  // fails.
  template <class Function, class... Arguments>
  bool call(Function function, const Arguments&... arguments) {
    return ok(function(arguments..., native()));
  }
  template <class T, class Function, class... Arguments>
  T get(T value, Function function, const Arguments&... arguments) {
    ok(function(arguments..., &value, native()));
    return value;
  }

 private:
  failure* tell_;
  failure own_;
};

namespace detail {

// Keeps what a function of the caller's throws while the library, through which nothing may be
// thrown, is at work.
class keeper {
 public:
  // False when it threw, now or before.
  template <class Function>
  bool run(Function function) noexcept {
#if ANNOY_RS_EXCEPTIONS
    if (thrown_) return false;
    try {
      function();
    } catch (...) {
      thrown_ = std::current_exception();
      return false;
    }
#else
    function();
#endif
    return true;
  }
  void rethrow() {
#if ANNOY_RS_EXCEPTIONS
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
#endif
  }

 private:
  std::exception_ptr thrown_;
};

}  // namespace detail

}  // namespace annoy

template <>
struct std::is_error_code_enum<annoy::status> : std::true_type {};

#undef ANNOY_RS_EXCEPTIONS