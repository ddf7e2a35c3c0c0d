#pragma once
// A webhook reads in its owner's name: where the owner's token is revoked, or may not read all of
// its topics any more, it is paused, with a reason that says so. It goes on when somebody resumes
// it and the grants are there again.
//
// Threads:   look() by one. Ownership: the engine outlives it.
// Limits:    webhooks that nobody's token made (gateway.auth.required: false) are left alone.

#include <functional>
#include <optional>
#include <string>

#include "gateway/delivery/engine.hpp"
#include "gateway/principal.hpp"

namespace weft::gateway::webhooks {

class Owners {
public:
    /// What the tokens of this name may do; nothing: there is none.
    using Holder = std::function<std::optional<Principal>(const std::string& name)>;

    Owners(delivery::Engine& engine, Holder holder) : engine_(engine), holder_(std::move(holder)) {}

    /// After each change of tokens, and now and then.
    void look();

private:
    delivery::Engine& engine_;
    const Holder holder_;
};

}  // namespace weft::gateway::webhooks
