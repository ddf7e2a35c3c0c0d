#include "gateway/esub/cluster/forwarder.hpp"

#include <optional>
#include <set>
#include <utility>

#include "fabric/message/message_id.hpp"
#include "gateway/esub/answers.hpp"
#include "gateway/esub/cluster/fabric_headers.hpp"
#include "gateway/esub/cluster/token_hash.hpp"
#include "reliability/ack/outcome.hpp"

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;

constexpr int owners_max = 3;  // Asked one after the other, where each says that it is another's.

/// Nothing: it did not answer in time, or not in words of ours.
std::optional<Verdict> verdict_of(const BridgeResult<Published>& result) {
    if (result) return Verdict::delivered;
    const auto& outcome = result.error().outcome;
    if (!outcome || outcome->answers().size() != 1) return std::nullopt;
    const reliability::RecipientAnswer& answer = outcome->answers().front();
    if (answer.state != reliability::RecipientAnswer::State::rejected) return std::nullopt;
    for (const Verdict verdict :
         {Verdict::unknown_key, Verdict::wrong_token, Verdict::no_listeners, Verdict::no_answer}) {
        if (answer.reason == words_of(verdict).text) return verdict;
    }
    return std::nullopt;
}

}  // namespace

struct Forwarder::Parts {
    FabricBridge& bridge;
    const FindOwner find;
    const KeyTopics topics;
    const Times times;
};

/// One reply or claim on its way.
struct Forwarder::Errand : std::enable_shared_from_this<Errand> {
    Errand(std::shared_ptr<const Parts> the_parts, std::string the_key, std::string_view token,
           OnVerdict the_done)
        : parts(std::move(the_parts)),
          key(std::move(the_key)),
          hash(token_hash(key, token)),
          done(std::move(the_done)) {}

    /// To the next owner who was not asked yet.
    void go() {
        const auto owner = parts->find(key, psub_only, asked);
        if (!owner || static_cast<int>(asked.size()) >= owners_max) {
            return done(Verdict::unknown_key);
        }
        to(*owner);
    }
    void to(const Directory::Owner& owner) {
        asked.insert(owner.node);
        node = owner.node;
        total = parts->times.owner +
                parts->times.member * static_cast<int>(std::min<std::size_t>(owner.members, 60));
        is_again = false;
        rid = fabric::MessageId::make(0).text();
        send(total * 3 / 5);
    }
    void send(milliseconds timeout) {
        const auto topic = parts->topics.topic_of(key);
        auto recipients = reliability::Recipients::parse(node);
        if (!topic || !recipients) return done(Verdict::unknown_key);
        PublishRequest request;
        request.topic = *topic;
        if (body) request.body = *body;
        request.content_type = "application/octet-stream";
        request.mode = PublishRequest::Mode::acknowledged;
        request.recipients = std::move(*recipients);
        request.level = reliability::AckLevel::processed;
        request.ack_timeout = timeout;
        request.parent = fabric::MessageId{};
        request.headers = {{std::string{headers::rid}, rid},
                           {std::string{headers::token_hash}, hash}};
        if (psub_only) request.headers.emplace_back(headers::psub, "1");
        if (!claims.empty()) request.headers.emplace_back(headers::claim, claims);
        Principal ourselves;
        ourselves.name = "esub";
        ourselves.everything = true;
        parts->bridge.publish(ourselves, std::move(request),
                              [self = shared_from_this()](const BridgeResult<Published>& result) {
                                  self->answered(result);
                              });
    }
    void answered(const BridgeResult<Published>& result) {
        const auto verdict = verdict_of(result);
        if (!verdict) {
            const bool was_sent = !result && result.error().outcome;
            if (!was_sent || std::exchange(is_again, true)) return done(Verdict::no_answer);
            return send(total * 2 / 5);
        }
        // It moved meanwhile: whoever has it now may be known already.
        if (*verdict == Verdict::unknown_key && claims.empty()) return go();
        done(*verdict);
    }

    const std::shared_ptr<const Parts> parts;
    const std::string key, hash;
    const OnVerdict done;
    std::string claims;
    bool psub_only = false;
    SharedBytes body;
    std::set<std::string> asked;
    std::string node, rid;
    milliseconds total{};
    bool is_again = false;
};

Forwarder::Forwarder(FabricBridge& bridge, FindOwner find, KeyTopics topics, Times times)
    : parts_(
          std::make_shared<const Parts>(Parts{bridge, std::move(find), std::move(topics), times})) {
}

void Forwarder::rep(const Rep& rep, SharedBytes body, OnVerdict done) {
    const auto errand =
        std::make_shared<Errand>(parts_, std::string{rep.key}, rep.token, std::move(done));
    errand->psub_only = rep.psub_only;
    errand->body = std::move(body);
    errand->go();
}

void Forwarder::claim(Kind kind, const Directory::Owner& owner, std::string_view token,
                      OnVerdict done) {
    const auto errand = std::make_shared<Errand>(parts_, owner.key.key, token, std::move(done));
    errand->claims = kind == Kind::sub ? "sub" : "psub";
    errand->to(owner);
}

}  // namespace weft::gateway::esub
