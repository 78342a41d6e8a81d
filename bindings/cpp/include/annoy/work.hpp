// Long calls: threads, progress and giving up.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "error.hpp"

namespace annoy {

// The task of a long call, and the unit it is counted in. Newer libraries may know more.
enum class stage : annoy_stage {
  add = ANNOY_STAGE_ADD,        // items
  build = ANNOY_STAGE_BUILD,    // steps that take about as long as each other
  search = ANNOY_STAGE_SEARCH,  // queries
  save = ANNOY_STAGE_SAVE,      // bytes
  verify = ANNOY_STAGE_VERIFY,  // nodes
  graph = ANNOY_STAGE_GRAPH,    // items, each many times
  scan = ANNOY_STAGE_SCAN,      // items, each twice or four times
};

// Hears how much is done of how much there is to do. `done` never decreases.
using progress_function = std::function<void(stage, std::uint64_t done, std::uint64_t total)>;

// Tells long calls to give up: they fail with status::cancelled, and so do later ones. Any thread
// may set it at any time.
class cancel {
 public:
  // Without memory it is one that nothing can set.
  cancel() noexcept : token_(annoy_cancel_new()) {}
  void set() const noexcept { annoy_cancel_set(token_.get()); }
  [[nodiscard]] const annoy_cancel* native_handle() const noexcept { return token_.get(); }

 private:
  struct free {
    void operator()(annoy_cancel* token) const noexcept { annoy_cancel_free(token); }
  };
  std::unique_ptr<annoy_cancel, free> token_;
};

// How a long call is to work. {2} stands for two threads.
struct work {
  std::int32_t n_threads = automatic;
  const annoy::cancel* cancel = nullptr;  // set when `progress` throws
  progress_function progress = {};
};

// For graph_options::rounds.
inline constexpr int no_rounds = ANNOY_ROUNDS_NONE;

// How a graph is built. 0 stands for the default. The first three decide how much searches find,
// the others how long the build takes.
struct graph_options {
  std::int32_t degree = 0;      // neighbours of an item at most, 1 to 255; by default 32
  std::int32_t candidates = 0;  // nearest neighbours they are chosen from, 1 to 1,024; 48
  double alpha = 0;             // slack of that choice, 1 to 16; 1.2
  std::int32_t rounds = 0;      // of NN-descent at most, 1 to 1,000, or no_rounds; 6
  std::int32_t sample = 0;      // neighbours that a round takes of a list, 1 to 255; 12
  std::int32_t n_trees = 0;     // trees whose leaves the build starts from; 10
};

namespace detail {

// An annoy_work, for one call.
class worker {
 public:
  explicit worker(const work& given) : given_(given) {
    raw_.struct_size = sizeof raw_;
    raw_.n_threads = given.n_threads;
    raw_.cancel = given.cancel ? given.cancel->native_handle() : nullptr;
    if (given.progress) {
      if (!given.cancel) raw_.cancel = own_.emplace().native_handle();
      raw_.progress = &tell;
      raw_.progress_user = this;
    }
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  [[nodiscard]] const annoy_work* native() const noexcept { return &raw_; }
  void give_up() const noexcept { annoy_cancel_set(raw_.cancel); }
  void rethrow() { kept_.rethrow(); }

 private:
  static void tell(void* user, annoy_stage which, std::uint64_t done,
                   std::uint64_t total) noexcept {
    worker& self = *static_cast<worker*>(user);
    if (!self.kept_.run([&] { self.given_.progress(static_cast<stage>(which), done, total); }))
      self.give_up();
  }
  const work& given_;
  annoy_work raw_{};
  std::optional<cancel> own_;
  keeper kept_;
};

// A long call of annoy.h. What progress throws comes before what the call returns.
template <class Call, class... Arguments>
bool run(on_error& why, const work& how, Call call, const Arguments&... arguments) {
  worker at_work(how);
  const annoy_status status = call(arguments..., at_work.native(), why.native());
  at_work.rethrow();
  return why.ok(status);
}

}  // namespace detail

}  // namespace annoy
