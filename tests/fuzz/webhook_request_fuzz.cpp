// The body of POST and PATCH /v1/webhooks: what is accepted stays within its limits, becomes a
// subscription whose record reads back the same, and its conditions may be asked of any body.

#include <cassert>
#include <string>

#include "fabric/message/json_form.hpp"
#include "gateway/webhooks/wanted.hpp"
#include "tests/fuzz/publish_checks.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

using namespace gateway::webhooks;

void check_limits(const Wanted& wanted) {
    if (wanted.url) assert(wanted.url->size() <= Wanted::url_bytes_max);
    if (wanted.topics)
        assert(!wanted.topics->empty() && wanted.topics->size() <= Wanted::topics_max);
    if (wanted.batch) assert(*wanted.batch >= 1 && *wanted.batch <= Wanted::batch_max);
    if (wanted.concurrency) {
        assert(*wanted.concurrency >= 1 && *wanted.concurrency <= Wanted::concurrency_max);
    }
    if (wanted.batch_timeout) {
        assert(wanted.batch_timeout->count() >= 0 &&
               *wanted.batch_timeout <= Wanted::batch_timeout_max);
    }
    if (wanted.headers) assert(wanted.headers->size() <= Wanted::headers_max);
    if (wanted.schedule) {
        assert(wanted.schedule->size() <= Wanted::pauses_max);
        for (const auto pause : *wanted.schedule) {
            assert(pause.count() >= 0 && pause <= Wanted::pause_max);
        }
    }
    if (wanted.per_second_max) assert(*wanted.per_second_max >= 0);
}

}  // namespace

void webhook_request(std::string_view input) {
    const auto wanted = Wanted::parse(input, topic_space);
    if (!wanted) return check_sentence(wanted.error());
    check_limits(*wanted);
    if (wanted->where) {
        const auto again = Conditions::parse(wanted->where->json());
        assert(again && again->json() == wanted->where->json());
        const auto body = fabric::from_json(input);
        assert(body && again->hold(*body) == wanted->where->hold(*body));
    }
    // A new one gets its keys made, which would be another one each time.
    Details before;
    before.keys.push_back({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ""});
    auto base = fresh("one", "owner", {}, 1);
    base.details = before.json();
    const auto made = applied(*wanted, std::move(base), true, 100, 0);
    if (!made) return check_sentence(made.error());
    assert(!made->url.empty() && !made->interests.empty());
    assert(!made->ordered || made->concurrency == 1);
    const auto details = Details::parse(made->details);
    assert(details && details->json() == made->details);
    assert(!topics_of(*made).empty());
}

}  // namespace weft::fuzz
