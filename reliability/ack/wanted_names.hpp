#pragma once
// The names that open waits ask for, each once, and which ACKs in their names were not believed.
// Threads: none inside, as the tracker whose part it is. Ownership: a name is gone with the last
// wait that asks for it. Limits: names of open waits only; what is noted is taken from a budget.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace weft::reliability {

/// How many bytes of notes may still be kept.
class NotesBudget {
public:
    explicit NotesBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
    [[nodiscard]] bool take(std::size_t bytes) noexcept {
        if (bytes > bytes_max_ - used_) return false;
        used_ += bytes;
        return true;
    }
    void give_back(std::size_t bytes) noexcept { used_ -= bytes; }
    [[nodiscard]] std::size_t used() const noexcept { return used_; }

private:
    std::size_t bytes_max_;
    std::size_t used_ = 0;
};

class WantedNames {
public:
    struct Standing {
        WantedNames* owner = nullptr;
        std::size_t waits = 0;
        std::uint32_t refused = 0;  ///< Since it was first waited for; it wraps.
        std::string why;            ///< The last refusal, escaped.
    };
    using Known = std::pair<const std::string, Standing>;
    struct Release {
        void operator()(Known* known) const noexcept { known->second.owner->release(*known); }
    };
    /// A wait's interest in a name ends with this.
    using Wanted = std::unique_ptr<Known, Release>;

    /// `budget` outlives it.
    explicit WantedNames(NotesBudget& budget) : budget_(budget) {}
    WantedNames(const WantedNames&) = delete;
    WantedNames& operator=(const WantedNames&) = delete;

    [[nodiscard]] Wanted want(const std::string& name);
    /// Nothing is kept of a name that nobody wants.
    void refused(std::string_view name, std::string_view why);

    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

private:
    void release(Known& known) noexcept;

    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };
    NotesBudget& budget_;
    std::unordered_map<std::string, Standing, Hash, std::equal_to<>> names_;
};

}  // namespace weft::reliability
