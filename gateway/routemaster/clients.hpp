#pragma once
// Who may use Routemaster: tokens of the configuration, tokens that root made, and those of `weft
// token`; and the root key.
//
// Tokens that root made are shown to root again (GET /api_tokens), so they are kept as they are,
// in the journal's state; they are found by a keyed hash and compared in constant time (H1).
// Threads: any. Ownership: what it is given outlives it.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/auth/authenticator.hpp"
#include "gateway/routemaster/settings.hpp"
#include "gateway/routemaster/state_desk.hpp"

namespace weft::gateway::routemaster {

struct Client {
    /// Names it everywhere that is kept or seen; tells nothing of the token.
    std::string id;
    std::string name;   ///< Public.
    std::string token;  ///< "": one of `weft token`, which nobody keeps.
    Principal principal;
    bool is_root_key = false;

    /// May manage tokens and see everything.
    [[nodiscard]] bool is_root() const noexcept { return is_root_key || principal.admin; }
};

struct ApiToken {
    std::string name, token;
};

class Clients final : public Authenticator {
public:
    Clients(const Settings& settings, Authenticator& weft_tokens);

    /// What the journal's state says; a key of its own is made where there is none, and returned
    /// as a change to be stored before anybody is served.
    [[nodiscard]] StateDesk::Changes load(const StateDesk::Entries& entries);

    [[nodiscard]] std::optional<Client> client(std::string_view token) const;
    /// For access.hpp, which counts failures.
    [[nodiscard]] std::optional<Principal> find(std::string_view token) override;
    /// The token of this id where it is known.
    [[nodiscard]] std::optional<std::string> token_of(const std::string& id) const;

    /// By name, those of the configuration too.
    [[nodiscard]] std::vector<ApiToken> list() const;
    /// What would be stored; the token is made where it is "". The error is a sentence.
    [[nodiscard]] tl::expected<ApiToken, std::string> prepare(std::string name,
                                                              std::string token) const;
    [[nodiscard]] StateDesk::Changes storing(const ApiToken& made) const;
    [[nodiscard]] StateDesk::Changes forgetting(std::string_view token) const;
    /// After that was stored.
    void add(const ApiToken& made);
    void remove(std::string_view token);
    [[nodiscard]] std::string id_of(std::string_view token) const;

private:
    struct Entry {
        ApiToken token;
        bool configured = false;
    };
    [[nodiscard]] Client client_of(const Entry& entry, const std::string& id) const;

    const Settings settings_;
    Authenticator& weft_tokens_;
    mutable std::mutex mutex_;
    std::string key_;                       // of the hashes; set by load()
    std::string root_id_;                   // of the root key; set by load()
    std::map<std::string, Entry> entries_;  // by id
};

}  // namespace weft::gateway::routemaster
