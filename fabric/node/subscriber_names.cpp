#include "fabric/node/subscriber_core.hpp"

#include <algorithm>

namespace weft::fabric {

void Subscriber::Core::on_answer(const NameQuery& query, const NameAnswer& answer) {
    {
        const std::scoped_lock lock(mutex);
        answers[query.text()] = answer;
        const auto found = unresolved.find(query.text());
        if (found != unresolved.end()) found->second = answer.problem;
    }
    port->wake();
}

void Subscriber::Core::say_about(const std::string& name, const std::string& problem) {
    std::string& said = said_about[name];
    if (said == problem) return;
    said = problem;
    if (problem.empty() || !hooks.warn) return;
    hooks.warn(problem + "; it is looked up again and again, the rest goes on");
}

void Subscriber::Core::expect_keys(const std::string& name, const NameAnswer& answer) {
    for (const std::string& endpoint : answer.endpoints) {
        if (const auto target = answer.targets.find(endpoint); target != answer.targets.end()) {
            settings.curve->expect(endpoint, target->second);
        }
        if (const auto named = named_endpoints.find(name); named != named_endpoints.end()) {
            settings.curve->expect_also(named->second, endpoint);
        }
    }
}

void Subscriber::Core::take_answers() {
    std::map<std::string, NameAnswer> taken;
    {
        const std::scoped_lock lock(mutex);
        taken.swap(answers);
    }
    for (const auto& [name, answer] : taken) {
        say_about(name, answer.problem);
        if (answer.endpoints.empty()) continue;
        if (settings.curve) expect_keys(name, answer);
        const auto changes = directory.on_resolved(name, answer.endpoints);
        apply(changes);
        const std::scoped_lock lock(mutex);
        unresolved.erase(name);
        expected += changes.connect.size();
        expected -= std::min(expected, changes.disconnect.size());
        changed.notify_all();
    }
}

}  // namespace weft::fabric
