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

enum class Verdict : std::uint8_t { delivered, unknown_key, wrong_token, no_listeners };
using OnVerdict = std::function<void(Verdict)>;

enum class Kind : std::uint8_t { sub, psub };

struct Rep {
    std::string_view key, token;
    bool psub_only = false;
};

class Elsewhere {
public:
    virtual ~Elsewhere() = default;
    /// Whether rep() may deliver: then a reply's body is read although nobody here has the key.
    [[nodiscard]] virtual bool may_have(const Rep& /*rep*/) { return false; }
    /// Nobody here has the key. `done` once, from any thread.
    virtual void rep(const Rep& /*rep*/, SharedBytes /*body*/, OnVerdict done) {
        done(Verdict::unknown_key);
    }
    virtual void opened(Kind /*kind*/, std::string_view /*key*/, std::string_view /*token*/,
                        bool /*shared*/, std::uint64_t /*id*/) {}
    virtual void closed(Kind /*kind*/, std::string_view /*key*/, std::uint64_t /*id*/) {}
};

}  // namespace weft::gateway::esub
