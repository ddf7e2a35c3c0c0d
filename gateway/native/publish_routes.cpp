#include "gateway/native/publish_routes.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gateway/native/idempotency.hpp"
#include "gateway/native/publishing.hpp"
#include "gateway/problem.hpp"

namespace weft::gateway::native {
namespace {

/// What a batch gathers while its messages are published.
struct Batch {
    SharedExchange exchange;
    std::mutex mutex;
    std::vector<std::string> verdicts;
    std::size_t left = 0;
    bool all_well = true;
};

struct Publishing : std::enable_shared_from_this<Publishing> {
    Publishing(FabricBridge& the_bridge, const fabric::Clock& clock, fabric::TopicSpace the_space,
               reliability::Recipients::Groups the_groups)
        : bridge(the_bridge),
          space(std::move(the_space)),
          groups(std::move(the_groups)),
          idempotency(clock) {}

    void publish_one(const SharedExchange& exchange, const std::string& topic, const Query& query,
                     const Principal& who) {
        const Request& request = exchange->request();
        const auto how = how_to_publish(query, groups);
        if (!how) return exchange->answer(problem(400, how.error(), request));
        auto message = message_of(request, topic, space, *how);
        if (!message) return exchange->answer(problem(400, message.error(), request));
        if (!who.may_publish(message->topic)) {
            return exchange->answer(problem(403, not_granted(who, message->topic), request));
        }
        std::string key;
        if (!may_begin(exchange, who, key)) return;
        const auto mode = message->mode;
        bridge.publish(
            who, std::move(*message),
            [self = shared_from_this(), exchange, mode, key](BridgeResult<Published> result) {
                Response answer = answer_of(result, mode, exchange->request());
                if (!key.empty()) self->idempotency.end(key, answer);
                exchange->answer(std::move(answer));
            });
    }

    /// False: the request was answered, since its Idempotency-Key was here before. `key` is where
    /// its answer is kept, or empty.
    bool may_begin(const SharedExchange& exchange, const Principal& who, std::string& key) {
        const Request& request = exchange->request();
        const auto header = request.headers.find("Idempotency-Key");
        if (!header) return true;
        if (header->empty() || header->size() > Idempotency::key_bytes_max) {
            exchange->answer(problem(400, "Idempotency-Key: 1 to 255 bytes", request));
            return false;
        }
        const std::hash<std::string_view> hash;
        key = who.name + "\n" + std::string{*header};
        auto begun = idempotency.begin(key, hash(request.target) * 31 + hash(request.body));
        switch (begun.begun) {
            case Idempotency::Begun::first:
                return true;
            case Idempotency::Begun::repeated:
                begun.answer->headers.set("Idempotency-Replayed", "true");
                exchange->answer(std::move(*begun.answer));
                return false;
            case Idempotency::Begun::under_way: {
                Response busy =
                    problem(409, "the first request with this key is under way", request);
                busy.headers.set("Retry-After", "1");
                exchange->answer(std::move(busy));
                return false;
            }
            case Idempotency::Begun::other:
                break;
        }
        exchange->answer(problem(
            422, "this Idempotency-Key was used for another request; make a new one", request));
        return false;
    }

    void publish_many(const SharedExchange& exchange, const Query& query, const Principal& who) {
        const Request& request = exchange->request();
        const auto how = how_to_publish(query, groups);
        if (!how) return exchange->answer(problem(400, how.error(), request));
        auto messages = messages_of(request, space, *how);
        if (!messages) return exchange->answer(problem(400, messages.error(), request));
        if (messages->empty()) {
            return exchange->answer(problem(400, "the list is empty: nothing to publish", request));
        }
        auto batch = std::make_shared<Batch>();
        batch->exchange = exchange;
        batch->verdicts.resize(messages->size());
        batch->left = messages->size();
        for (std::size_t i = 0; i < messages->size(); ++i) {
            auto done = [batch, i](const BridgeResult<Published>& result) {
                on_one(*batch, i, result);
            };
            auto& message = (*messages)[i];
            if (!message) {
                done(tl::make_unexpected(
                    BridgeError{BridgeError::Kind::invalid, message.error(), {}, {}}));
            } else if (!who.may_publish(message->topic)) {
                done(tl::make_unexpected(BridgeError{
                    BridgeError::Kind::not_granted, not_granted(who, message->topic), {}, {}}));
            } else {
                bridge.publish(who, std::move(*message), done);
            }
        }
    }

    static void on_one(Batch& batch, std::size_t index, const BridgeResult<Published>& result) {
        std::string answer;
        bool all_well = false;
        {
            const std::scoped_lock lock(batch.mutex);
            batch.verdicts[index] = verdict_json(result, batch.exchange->request());
            batch.all_well = batch.all_well && result.has_value();
            if (--batch.left != 0) return;
            all_well = batch.all_well;
            for (const std::string& verdict : batch.verdicts) {
                answer += (answer.empty() ? "" : ",") + verdict;
            }
        }
        // Each has its verdict; 207 says that they are not all the same.
        batch.exchange->answer(
            Response::of(all_well ? 200 : 207, json_type, "{\"results\":[" + answer + "]}"));
    }

    static std::string not_granted(const Principal& who, const std::string& topic) {
        return "token '" + who.name + "' may not publish topic '" + topic +
               "'; its grants are those of `weft token list`";
    }

    FabricBridge& bridge;
    const fabric::TopicSpace space;
    const reliability::Recipients::Groups groups;
    Idempotency idempotency;
};

}  // namespace

void add_publish_routes(RouteTable& table, FabricBridge& bridge, const fabric::Clock& clock,
                        fabric::TopicSpace space, reliability::Recipients::Groups groups) {
    const auto core =
        std::make_shared<Publishing>(bridge, clock, std::move(space), std::move(groups));
    table.add("POST", "/v1/topics/{topic}", [core](const Asked& asked) {
        core->publish_one(asked.exchange, asked.values.front(), asked.query, asked.who);
    });
    table.add("POST", "/v1/events", [core](const Asked& asked) {
        core->publish_many(asked.exchange, asked.query, asked.who);
    });
}

}  // namespace weft::gateway::native
