// weft hub --list: the consumers of the configuration, how the hubs of this host have them, and how
// far they are behind in the journal.

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "fabric/message/json_form.hpp"
#include "reliability/hub/status_file.hpp"
#include "reliability/service/open_remote.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "tools/hub_command.hpp"
#include "tools/journal_command.hpp"
#include "tools/standard_output.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

namespace hub = reliability::hub;
using fabric::Value;

/// What is known of one consumer.
struct Row {
    const hub::ConsumerSettings& settings;
    const hub::HubStatus* of = nullptr;  ///< The hub that runs it.
    const hub::ConsumerStatus* status = nullptr;
    std::optional<reliability::CursorView> place;
};

/// How far each durable one is behind; nothing, and why, where no journal says it.
class Places {
public:
    Places(Context& context, const hub::Settings& settings) {
        if (settings.journal.empty()) return;
        try {
            fabric::FabricOptions options;
            options.warn = [](const std::string&) {};
            fabric_ = fabric::Fabric::open(context.configuration(), options);
            auto journal = reliability::open_remote_journal(*fabric_, reliability_settings(context),
                                                            settings.journal);
            if (!journal) {
                why_ = journal.error();
                return;
            }
            journal_ = std::move(*journal);
        } catch (const std::exception& failed) {
            why_ = failed.what();
        }
    }

    [[nodiscard]] std::optional<reliability::CursorView> of(const std::string& name) {
        if (!journal_ || !why_.empty()) return std::nullopt;
        auto view = reliability::RemoteCursors(journal_->link()).show(name);
        if (view) return std::move(*view);
        // No cursor yet is nothing to complain of; one question that is not answered is enough.
        if (view.error().reason != reliability::JournalError::Reason::not_found) {
            why_ = view.error().sentence;
        }
        return std::nullopt;
    }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    std::unique_ptr<fabric::Fabric> fabric_;
    std::unique_ptr<reliability::RemoteJournal> journal_;
    std::string why_;
};

std::string state_of(const Row& row) {
    if (row.status != nullptr) return row.status->state;
    return row.settings.enabled ? "not running" : "disabled";
}

std::vector<std::string> cells_of(const Row& row) {
    const auto of_status = [&](auto number) {
        return row.status != nullptr ? std::to_string(number(*row.status)) : std::string{"-"};
    };
    using Status = hub::ConsumerStatus;
    return {row.settings.name,
            state_of(row),
            row.of != nullptr ? std::to_string(row.of->pid) : "-",
            row.place ? std::to_string(row.place->lag.messages)
                      : of_status([](const Status& s) { return s.waiting; }),
            of_status([](const Status& s) { return s.in_hand; }),
            of_status([](const Status& s) { return s.feed.done; }),
            of_status([](const Status& s) { return s.feed.retried; }),
            row.place && row.place->group
                ? std::to_string(row.place->group->dead)
                : of_status([](const Status& s) { return s.feed.given_up; }),
            row.status == nullptr || row.status->last_error.empty()
                ? "-"
                : fabric::rfc3339(row.status->last_error_us).substr(0, 19) + " " +
                      row.status->last_error};
}

Value value_of(const Row& row) {
    Value::List topics;
    for (const auto& glob : row.settings.globs) topics.emplace_back(glob.text());
    Value::Map map{{"name", row.settings.name},
                   {"topics", std::move(topics)},
                   {"state", state_of(row)},
                   {"durable", row.settings.durable},
                   {"where", row.settings.where}};
    if (row.of != nullptr) {
        map.emplace_back("hub", row.of->hub);
        map.emplace_back("pid", row.of->pid);
    }
    if (row.place) {
        map.emplace_back("lag", row.place->lag.messages);
        map.emplace_back("position", row.place->cursor.position.id);
        if (row.place->group) {
            map.emplace_back("members", row.place->group->members);
            map.emplace_back("leased", row.place->group->leased);
            map.emplace_back("dead", row.place->group->dead);
        }
    }
    if (const hub::ConsumerStatus* s = row.status) {
        map.insert(map.end(),
                   {{"why", s->why},
                    {"details", s->details},
                    {"waiting", s->waiting},
                    {"in_hand", s->in_hand},
                    {"oldest_in_hand_ms", s->oldest_in_hand.count()},
                    {"done", s->feed.done},
                    {"retried", s->feed.retried},
                    {"given_up", s->feed.given_up},
                    {"lost", s->feed.lost},
                    {"passed_over", s->feed.passed_over},
                    {"dropped", s->feed.dropped},
                    {"refused", s->feed.refused},
                    {"last_error", s->last_error},
                    {"last_error_time",
                     s->last_error_us == 0 ? Value{} : Value(fabric::rfc3339(s->last_error_us))}});
    }
    return map;
}

}  // namespace

int list_consumers(Context& context, bool json) {
    const hub::Settings settings = hub_settings(context);
    const auto hubs = hub::read_status_files(settings.state);
    Places places(context, settings);
    std::vector<Row> rows;
    for (const hub::ConsumerSettings& consumer : settings.consumers) {
        const std::size_t before = rows.size();
        auto place = consumer.durable && consumer.enabled ? places.of(consumer.name) : std::nullopt;
        for (const hub::HubStatus& running : hubs) {
            for (const hub::ConsumerStatus& status : running.consumers) {
                if (status.name == consumer.name) {
                    rows.push_back({consumer, &running, &status, place});
                }
            }
        }
        if (rows.size() == before) rows.push_back({consumer, nullptr, nullptr, std::move(place)});
    }
    if (!places.why().empty()) Context::warn("the lag is not known: " + places.why());
    if (json) {
        for (const Row& row : rows) write_out(fabric::to_json(value_of(row)) + "\n");
        return exit_done;
    }
    if (rows.empty()) {
        Context::info("hub.consumers is empty");
        return exit_done;
    }
    Rows table_rows{
        {"NAME", "STATE", "PID", "LAG", "IN HAND", "DONE", "RETRIED", "DEAD", "LAST ERROR"}};
    for (const Row& row : rows) table_rows.push_back(cells_of(row));
    write_out(table(table_rows));
    for (const Row& row : rows) {
        if (row.status != nullptr && !row.status->why.empty()) {
            Context::info("consumer " + row.settings.name + ": " + row.status->why);
        }
    }
    return exit_done;
}

}  // namespace weft::tools
