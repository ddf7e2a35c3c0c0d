// weft token: HTTP clients of the gateway and what they may do.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/section.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/auth/token.hpp"
#include "gateway/auth/token_store.hpp"
#include "signing/topic_glob.hpp"
#include "tools/command.hpp"
#include "tools/name_flag.hpp"
#include "tools/standard_output.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

using fabric::Value;
using gateway::TokenRecord;

struct Flags {
    std::string name;
    std::vector<std::string> publish, read;
    bool admin = false, json = false;
};

std::filesystem::path token_file(Context& context) {
    config::Problems problems;
    const config::Section section(context.configuration(), "gateway", problems);
    std::filesystem::path file = section.path("auth.tokens");
    Context::require_none(problems);
    return file;
}

template <class T>
T must(tl::expected<T, std::string> result) {
    if (!result) throw failure(result.error());
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void require_globs(const char* flag, const std::vector<std::string>& globs) {
    for (const std::string& text : globs) {
        if (const auto glob = signing::TopicGlob::parse(text); !glob) {
            throw usage_error(std::string{flag} + " '" + text + "': " + glob.error());
        }
    }
}

int add(Context& context, const Flags& flags) {
    require_name("NAME", flags.name);
    require_globs("--publish", flags.publish);
    require_globs("--read", flags.read);
    if (flags.publish.empty() && flags.read.empty() && !flags.admin) {
        throw usage_error(
            "a token that may do nothing: say --publish GLOB, --read GLOB or --admin");
    }
    const auto file = token_file(context);
    auto records = must(gateway::read_token_file(file));
    for (const TokenRecord& record : records) {
        if (record.name == flags.name) {
            throw failure("'" + flags.name + "' has a token already; `weft token revoke " +
                          flags.name + "` first, or choose another name");
        }
    }
    gateway::NewToken token = gateway::make_token();
    token.record.name = flags.name;
    token.record.publish = flags.publish;
    token.record.read = flags.read;
    token.record.admin = flags.admin;
    token.record.created = fabric::rfc3339(fabric::SystemClock{}.utc_us());
    records.push_back(token.record);
    must(gateway::write_token_file(file, records));
    write_out(token.text + "\n");
    Context::info("keep it now: it is not shown again, and " + file.string() +
                  " has only its hash; a running gateway knows it within a second");
    return exit_done;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
    return all.empty() ? "-" : all;
}

int list(Context& context, const Flags& flags) {
    const auto records = must(gateway::read_token_file(token_file(context)));
    if (flags.json) {
        for (const TokenRecord& record : records) {
            const auto globs = [](const std::vector<std::string>& texts) {
                return Value::List(texts.begin(), texts.end());
            };
            write_out(fabric::to_json(Value(Value::Map{{"name", record.name},
                                                       {"id", record.id},
                                                       {"publish", globs(record.publish)},
                                                       {"read", globs(record.read)},
                                                       {"admin", record.admin},
                                                       {"created", record.created}})) +
                      "\n");
        }
        return exit_done;
    }
    if (records.empty()) {
        Context::info("no tokens yet: `weft token add NAME --publish GLOB --read GLOB`");
        return exit_done;
    }
    Rows rows{{"NAME", "ID", "PUBLISH", "READ", "ADMIN", "CREATED"}};
    for (const TokenRecord& record : records) {
        rows.push_back({record.name, record.id, joined(record.publish), joined(record.read),
                        record.admin ? "yes" : "-", record.created});
    }
    write_out(table(rows));
    return exit_done;
}

int revoke(Context& context, const Flags& flags) {
    const auto file = token_file(context);
    auto records = must(gateway::read_token_file(file));
    const auto before = records.size();
    std::erase_if(records, [&](const TokenRecord& record) {
        return record.name == flags.name || record.id == flags.name;
    });
    if (records.size() == before) {
        throw failure("no token is called '" + flags.name + "' in " + file.string() +
                      "; `weft token list` shows them");
    }
    must(gateway::write_token_file(file, records));
    Context::info("a running gateway refuses it within a second");
    return exit_done;
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
    CLI::App* token = app.add_subcommand("token", "HTTP clients of the gateway: who may do what");
    token->require_subcommand(1);
    token->footer(
        "The same token is X-Auth-Token for RSE, the Basic user name for Routemaster, and\n"
        "Authorization: Bearer for weft's own API. Kept as hashes in gateway.auth.tokens.\n"
        "Example:  weft token add ci --publish 'build.*' --read 'git.**'");
    auto flags = std::make_shared<Flags>();
    CLI::App* adding =
        token->add_subcommand("add", "Make one; it is printed once, alone on stdout");
    adding->add_option("NAME", flags->name, "Whose it is; stands in the messages that it publishes")
        ->required();
    adding->add_option("--publish", flags->publish, "Topics that it may publish; repeatable")
        ->type_name("GLOB");
    adding->add_option("--read", flags->read, "Topics that it may read; repeatable")
        ->type_name("GLOB");
    adding->add_flag("--admin", flags->admin, "Everything, also cursors and webhooks of others");
    adding->callback(
        [&context, flags] { context.run = [&context, flags] { return add(context, *flags); }; });
    CLI::App* listing = token->add_subcommand("list", "Show who has one, and what they may do");
    listing->add_flag("--json", flags->json, "One JSON object a line");
    listing->callback(
        [&context, flags] { context.run = [&context, flags] { return list(context, *flags); }; });
    CLI::App* revoking = token->add_subcommand("revoke", "Take one away");
    revoking->add_option("NAME", flags->name, "The name or the id")->required();
    revoking->callback(
        [&context, flags] { context.run = [&context, flags] { return revoke(context, *flags); }; });
}

}  // namespace weft::tools
