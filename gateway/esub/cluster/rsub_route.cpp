// GET /rsub/KEY: replies that nobody waited for.

#include <charconv>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "gateway/esub/answers.hpp"
#include "gateway/esub/cluster/cluster_routes.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::esub {
namespace {

using Record = UnclaimedStore::Record;

std::string time_of(std::uint64_t time_us) {
    return fabric::rfc3339(time_us).substr(0, 23) + "Z";
}

Response all_of(const std::vector<Record>& records) {
    std::string list;
    for (const Record& record : records) {
        list += std::string{list.empty() ? "" : ","} + "{\"seq\":" + std::to_string(record.seq) +
                ",\"time\":\"" + time_of(record.time_us) + "\",\"data\":\"" +
                signing::to_base64(record.body) +
                "\",\"delivered\":" + (record.delivered ? "true" : "false") + "}";
    }
    return Response::of(200, "application/json", "[" + list + "]");
}

struct Asked {
    std::string key;
    bool all = false, consume = false;
};

}  // namespace

bool ClusterRoutes::serve_rsub(const std::shared_ptr<Exchange>& exchange) {
    constexpr std::string_view below = "/rsub/";
    const Request& request = exchange->request();
    const std::string_view path = path_of(request);
    if (!path.starts_with(below) || request.method != "GET") return false;
    // The key and the token are read as those of a sub.
    auto read = read_target("/sub/" + std::string{path.substr(below.size())},
                            request.raw_query().value_or(""));
    const auto* target = std::get_if<Target>(&read);
    const auto query = Query::parse(request.raw_query().value_or(""));
    if (target == nullptr || !query || !elsewhere_.settings().keeps()) {
        exchange->answer(text(404, "404 page not found"));
        return true;
    }
    const auto after_text = query->find("after").value_or("0");
    std::uint64_t after = 0;
    const auto [end, error] =
        std::from_chars(after_text.data(), after_text.data() + after_text.size(), after);
    if (error != std::errc{} || end != after_text.data() + after_text.size()) {
        exchange->answer(text(400, "after is a number, as Esub-Seq gives it"));
        return true;
    }
    Asked asked{target->key, query->find("all") == "1", query->find("consume") == "1"};
    const auto answer = [exchange, asked = std::move(asked), house = house_,
                         store = elsewhere_.store()](UnclaimedStore::Found found) {
        const auto say = [&](unsigned status, std::string_view words) {
            exchange->answer(text_answer(house->settings, status, words));
        };
        if (!found.problem.empty()) return say(503, found.problem);
        if (asked.all && !found.records.empty()) return exchange->answer(all_of(found.records));
        std::erase_if(found.records, [](const Record& record) { return record.delivered; });
        if (found.records.empty()) {
            return found.under_other_tokens ? say(403, "Invalid token")
                                            : say(404, "Nothing stored");
        }
        Record& first = found.records.front();
        Response response = Response::of(200, "application/octet-stream", std::move(first.body));
        response.headers.add("Esub-Seq", std::to_string(first.seq));
        response.headers.add("Esub-Stored-At", time_of(first.time_us));
        response.headers.add("Esub-Remaining", std::to_string(found.records.size() - 1));
        response.close = house->settings.close_connections;
        if (asked.consume) {
            response.report = WriteReport{[store, key = asked.key, id = first.id](bool all_taken) {
                                              if (all_taken) store->consume(key, id);
                                          },
                                          house->settings.stall_time};
        }
        exchange->answer(std::move(response));
    };
    elsewhere_.store()->find(target->key, target->token, after, answer);
    return true;
}

}  // namespace weft::gateway::esub
