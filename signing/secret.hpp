#pragma once
// Memory for keys and passwords (rule K3): guarded pages that are not swapped, wiped when the value
// goes, neither copied nor printed nor compared with ==.
// Threads: a value; const use from any thread.
// Ownership: owns its memory; moving leaves the source empty.
// Errors: std::bad_alloc when the system gives no more locked memory (ulimit -l).

#include <cstddef>
#include <string_view>

namespace weft::signing {

class Secret {
public:
    Secret() = default;
    /// `bytes` bytes, zeroed.
    explicit Secret(std::size_t bytes);
    /// Copies `bytes` and leaves the caller to wipe() the source.
    [[nodiscard]] static Secret copy_of(std::string_view bytes);
    [[nodiscard]] static Secret random(std::size_t bytes);
    ~Secret();
    Secret(Secret&& other) noexcept;
    Secret& operator=(Secret&& other) noexcept;
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;

    // Not by accident: == would tell by its duration where secrets differ, and << would print one.
    bool operator==(const Secret&) const = delete;
    template <class Stream>
    friend Stream& operator<<(Stream&, const Secret&) = delete;

    [[nodiscard]] char* data() noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// The bytes themselves: pass them on to what needs them, keep no copy. The name is long so
    /// that it stands out in a review.
    [[nodiscard]] std::string_view reveal() const noexcept { return {data_, size_}; }
    [[nodiscard]] bool equals(std::string_view other) const noexcept;  ///< In constant time.
    /// Wipes and forgets what stands behind the first `bytes` bytes.
    void shrink_to(std::size_t bytes) noexcept;

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// No core file of this process, and no debugger or /proc/PID/mem for other users' processes:
/// either would hold its keys. Call it first in main; false if the kernel refuses.
bool disable_core_dumps() noexcept;

}  // namespace weft::signing
