#pragma once
// What is beyond this gateway: asked when nobody here waits for a key, and told of each key that
// opens and closes here. Threads: any; nothing may block or call back into the desk at once, except
// for `done`.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "gateway/http/exchange.hpp"

namespace weft::gateway::esub {

enum class Verdict : std::uint8_t {
    delivered,
    unknown_key,
    wrong_token,
    no_listeners,
    no_answer,  ///< The gateway that has the key did not say: it may have delivered or not.
};
/// A verdict, and where a reply that nobody got was kept.
struct Told {
    Told(Verdict the_verdict, std::uint64_t stored_as = 0)
        : verdict(the_verdict), stored(stored_as) {}
    operator Verdict() const noexcept { return verdict; }
    Verdict verdict;
    std::uint64_t stored;  ///< 0: it was not.
};
using OnVerdict = std::function<void(Told)>;

enum class Kind : std::uint8_t { sub, psub };

struct Rep {
    std::string_view key, token;
    bool psub_only = false;
    bool here_only{};  ///< Came from elsewhere: it is not for elsewhere again.
};

class Elsewhere {
public:
    virtual ~Elsewhere() = default;
    /// Whether rep() may deliver: then a reply's body is read although nobody here has the key.
    [[nodiscard]] virtual bool may_have(const Rep& /*rep*/) { return false; }
    /// Somebody here has it as a shared psub: is a member elsewhere next?
    [[nodiscard]] virtual bool takes_turn(const Rep& /*rep*/) { return false; }
    /// Nobody here has the key. `done` once, from any thread.
    virtual void rep(const Rep& /*rep*/, SharedBytes /*body*/, OnVerdict done) {
        done(Verdict::unknown_key);
    }
    /// Whether what was told of a reply is to be seen by keep() first.
    [[nodiscard]] virtual bool keeps() const { return false; }
    virtual void keep(const Rep& /*rep*/, SharedBytes /*body*/, Verdict verdict, OnVerdict done) {
        done(verdict);
    }
    virtual void opened(Kind /*kind*/, std::string_view /*key*/, std::string_view /*token*/,
                        bool /*shared*/, std::uint64_t /*id*/) {}
    virtual void closed(Kind /*kind*/, std::string_view /*key*/, std::uint64_t /*id*/) {}
};

}  // namespace weft::gateway::esub
