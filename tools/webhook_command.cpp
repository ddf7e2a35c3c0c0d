// weft webhook: the webhooks of a gateway, over its HTTP API.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/settings.hpp"
#include "signing/refusal.hpp"
#include "tools/command.hpp"
#include "tools/http_call.hpp"
#include "tools/standard_output.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Flags {
    std::string gateway, token;
    bool json = false;

    std::string id, url, format, start, message, since, overlap, batch_timeout;
    std::string disable_after;
    std::optional<std::string> description;
    std::vector<std::string> topics, where, headers;
    std::size_t batch = 0, concurrency = 0, limit = 20;
    double rate = 0;
    bool ordered = false, unordered = false;
};

// ---- Where the gateway is ----

std::string listener_url(Context& context) {
    config::Problems problems;
    const auto settings = gateway::read_gateway_settings(context.configuration(), problems);
    Context::require_none(problems);
    for (const auto& listener : settings.listeners) {
        for (const auto& mount : listener.mounts) {
            if (mount.protocol != gateway::Protocol::native) continue;
            std::string address = listener.address;
            if (address.ends_with(":0")) break;
            for (const auto& [any, own] :
                 {std::pair<std::string, std::string>{"0.0.0.0:", "127.0.0.1:"},
                  {"[::]:", "[::1]:"},
                  {"*:", "127.0.0.1:"}}) {
                if (address.starts_with(any)) address = own + address.substr(any.size());
            }
            return (settings.certificate.empty() ? "http://" : "https://") + address + mount.prefix;
        }
    }
    throw usage_error(
        "gateway.listeners names no fixed port that serves `native`: say which gateway, such as "
        "--gateway http://127.0.0.1:8080");
}

class Portal {
public:
    Portal(Context& context, const Flags& flags) : token_(flags.token) {
        base_ = flags.gateway.empty() ? listener_url(context) : flags.gateway;
        while (base_.ends_with('/')) base_.pop_back();
        base_ += "/v1/webhooks";
        const char* from_environment = std::getenv("WEFT_TOKEN");
        if (token_.empty() && from_environment != nullptr) token_ = from_environment;
    }

    Json ask(const std::string& method, const std::string& path, const Json& body = {}) const {
        const HttpReply reply =
            http_call({method, base_ + path, body.is_null() ? std::string{} : body.dump(), token_});
        Json answer = Json::parse(reply.body, nullptr, false);
        if (reply.status >= 200 && reply.status < 300) return answer;
        const std::string detail =
            answer.is_object() && answer.contains("detail") && answer["detail"].is_string()
                ? answer["detail"].get<std::string>()
                : signing::escape(reply.body, 200);
        throw failure("the gateway says " + std::to_string(reply.status) + ": " + detail +
                      (reply.status == 401 && token_.empty()
                           ? "; --token TOKEN or WEFT_TOKEN shows one"
                           : ""));
    }

private:
    std::string base_, token_;
};

std::string one(const Flags& flags, const char* what = "") {
    return "/" + url_part(flags.id) + what;
}

// ---- What is printed ----

void print_json(const Json& answer) {
    write_out(answer.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

/// A cell of a table: nothing is "-", and nothing in it breaks a line.
std::string cell(const Json& value) {
    if (value.is_null()) return "-";
    if (value.is_string()) {
        const auto text = signing::escape(value.get<std::string>(), 120);
        return text.empty() ? "-" : text;
    }
    if (value.is_array()) {
        std::string all;
        for (const Json& part : value) all += (all.empty() ? "" : " ") + cell(part);
        return all.empty() ? "-" : all;
    }
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json field(const Json& object, const char* name) {
    return object.is_object() && object.contains(name) ? object[name] : Json();
}

/// A line for each field; those of `delivery` too.
void print_fields(const Json& object) {
    Rows rows;
    for (const auto& [name, value] : object.items()) {
        if (name != "delivery" || !value.is_object()) {
            rows.push_back({name, cell(value)});
            continue;
        }
        for (const auto& [inner, of_it] : value.items()) rows.push_back({inner, cell(of_it)});
    }
    if (!rows.empty()) write_out(table(rows));
}

void print(const Flags& flags, const Json& answer) {
    flags.json ? print_json(answer) : print_fields(answer);
}

int print_attempt(const Flags& flags, const Json& attempt) {
    print(flags, attempt);
    const Json succeeded = field(attempt, "succeeded");
    return succeeded.is_boolean() && succeeded.get<bool>() ? exit_done : exit_failed;
}

// ---- The commands ----

/// JSON, or PATH=VALUE.
Json condition_of(const std::string& text) {
    if (text.starts_with("{")) {
        Json parsed = Json::parse(text, nullptr, false);
        if (parsed.is_discarded()) throw usage_error("--where '" + text + "' is not JSON");
        return parsed;
    }
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw usage_error("--where '" + text +
                          R"(': write PATH=VALUE, such as branch=main, or a condition in JSON)");
    }
    const std::string value = text.substr(equals + 1);
    Json parsed = Json::parse(value, nullptr, false);
    if (parsed.is_discarded() || parsed.is_structured()) parsed = value;
    return {{"path", text.substr(0, equals)}, {"eq", std::move(parsed)}};
}

/// An empty value alone takes away what there is.
bool clears(const std::vector<std::string>& values, const char* flag) {
    if (std::find(values.begin(), values.end(), "") == values.end()) return false;
    if (values.size() == 1) return true;
    throw usage_error(std::string{flag} + " '' takes away all there are: name none beside it");
}

Json body_of(const Flags& flags) {
    Json body = Json::object();
    if (!flags.url.empty()) body["url"] = flags.url;
    if (!flags.topics.empty()) body["topics"] = flags.topics;
    const bool no_where = clears(flags.where, "--where");
    if (no_where) body["where"] = Json::array();
    for (const std::string& condition : flags.where) {
        if (!no_where) body["where"].push_back(condition_of(condition));
    }
    const bool no_headers = clears(flags.headers, "--header");
    if (no_headers) body["headers"] = Json::object();
    for (const std::string& header : flags.headers) {
        if (no_headers) break;
        const std::size_t colon = header.find(':');
        if (colon == std::string::npos) {
            throw usage_error("--header '" + header + "': write NAME: VALUE");
        }
        const std::size_t value = header.find_first_not_of(' ', colon + 1);
        body["headers"][header.substr(0, colon)] =
            value == std::string::npos ? "" : header.substr(value);
    }
    for (const auto& [name, text] :
         {std::pair<const char*, const std::string*>{"format", &flags.format},
          {"start", &flags.start},
          {"disable_after", &flags.disable_after}}) {
        if (!text->empty()) body[name] = *text;
    }
    if (flags.description) body["description"] = *flags.description;
    if (flags.batch != 0) body["batch"]["max"] = flags.batch;
    if (!flags.batch_timeout.empty()) body["batch"]["timeout"] = flags.batch_timeout;
    if (flags.ordered || flags.unordered) body["ordered"] = flags.ordered;
    if (flags.concurrency != 0) body["concurrency"] = flags.concurrency;
    if (flags.rate > 0) body["rate"] = flags.rate;
    return body;
}

int add(Context& context, const Flags& flags) {
    const Json made = Portal(context, flags).ask("POST", "", body_of(flags));
    if (flags.json) {
        print_json(made);
        return exit_done;
    }
    write_out(table({{"id", cell(field(made, "id"))},
                     {"secret", cell(field(made, "secret"))},
                     {"public_key", cell(field(made, "public_key"))}}));
    Context::info(
        "the receiver checks v1 with the secret, or v1a with the public key; `weft webhook "
        "test " +
        cell(field(made, "id")) + "` sends it something");
    return exit_done;
}

int update(Context& context, const Flags& flags) {
    const Json body = body_of(flags);
    if (body.empty()) {
        throw usage_error("say what changes, such as --url https://example.com/hook");
    }
    print(flags, Portal(context, flags).ask("PATCH", one(flags), body));
    return exit_done;
}

int list(Context& context, const Flags& flags) {
    const Json all = field(Portal(context, flags).ask("GET", ""), "webhooks");
    if (flags.json) {
        for (const Json& webhook : all) print_json(webhook);
        return exit_done;
    }
    if (all.empty()) {
        Context::info("no webhooks yet: `weft webhook add URL --topic GLOB`");
        return exit_done;
    }
    Rows rows{{"ID", "STATE", "QUEUED", "SENT", "FAILED", "TOPICS", "URL"}};
    for (const Json& webhook : all) {
        const Json at = field(webhook, "delivery");
        rows.push_back({cell(field(webhook, "id")), cell(field(webhook, "state")),
                        cell(field(at, "queued")), cell(field(at, "sent")),
                        cell(field(at, "failures_in_a_row")), cell(field(webhook, "topics")),
                        cell(field(webhook, "url"))});
    }
    write_out(table(rows));
    return exit_done;
}

int show_attempts(Context& context, const Flags& flags) {
    const Json all =
        field(Portal(context, flags)
                  .ask("GET", one(flags, "/attempts?limit=") + std::to_string(flags.limit)),
              "attempts");
    if (flags.json) {
        for (const Json& attempt : all) print_json(attempt);
        return exit_done;
    }
    if (all.empty()) {
        Context::info("no attempts yet; `weft webhook test " + flags.id + "` makes one");
        return exit_done;
    }
    Rows rows{{"TIME", "STATUS", "MS", "TRY", "MESSAGES", "ERROR"}};
    for (const Json& attempt : all) {
        const Json first = field(attempt, "first"), last = field(attempt, "last");
        rows.push_back({cell(field(attempt, "time")), cell(field(attempt, "status")),
                        cell(field(attempt, "took_ms")), cell(field(attempt, "attempt")),
                        first == 0      ? "test"
                        : first == last ? cell(first)
                                        : cell(first) + "-" + cell(last),
                        cell(field(attempt, "error"))});
    }
    write_out(table(rows));
    return exit_done;
}

int resend(Context& context, const Flags& flags) {
    const bool number = flags.message.find_first_not_of("0123456789") == std::string::npos &&
                        flags.message.size() < 19 && !flags.message.empty();
    const Json body{{"id", number ? Json(std::stoull(flags.message)) : Json(flags.message)}};
    return print_attempt(flags, Portal(context, flags).ask("POST", one(flags, "/resend"), body));
}

/// A POST that shows what the webhook is afterwards.
int act(Context& context, const Flags& flags, const std::string& what) {
    Json body = Json::object();
    if (what == "recover") body["since"] = flags.since;
    if (what == "rotate" && !flags.overlap.empty()) body["overlap"] = flags.overlap;
    const Json answer =
        Portal(context, flags).ask("POST", one(flags) + "/" + what, std::move(body));
    if (what == "test") return print_attempt(flags, answer);
    print(flags, answer);
    return exit_done;
}

using Command = std::function<int(Context&, const Flags&)>;

CLI::App* add_one(CLI::App& parent, Context& context, const std::shared_ptr<Flags>& flags,
                  const char* name, const char* help, bool takes_id, Command command) {
    CLI::App* app = parent.add_subcommand(name, help);
    if (takes_id) app->add_option("ID", flags->id, "Of the webhook")->required();
    app->add_option("--gateway", flags->gateway,
                    "Where it is (default: the first of gateway.listeners that serves native)")
        ->type_name("URL");
    app->add_option("--token", flags->token,
                    "Whose webhooks (default: WEFT_TOKEN of the environment, which others do not "
                    "see in a list of processes)")
        ->type_name("TOKEN");
    app->add_flag("--json", flags->json, "JSON, one object a line");
    app->callback([&context, flags, command = std::move(command)] {
        context.run = [&context, flags, command] { return command(context, *flags); };
    });
    return app;
}

/// What may change, too.
void add_properties(CLI::App& app, const std::shared_ptr<Flags>& flags) {
    app.add_option("--where", flags->where,
                   "Only if a field of the body is so: PATH=VALUE, or a condition in JSON; "
                   "repeatable; all of them hold in place of all before, '' is none")
        ->allow_extra_args(false);
    app.add_option("--format", flags->format,
                   "cloudevents-binary, cloudevents-structured, cloudevents-batch or weft");
    app.add_option("--header", flags->headers,
                   "NAME: VALUE of each request; repeatable, in place of all before; '' is none")
        ->allow_extra_args(false);
    app.add_option("--batch", flags->batch, "Messages of a request, at most");
    app.add_option("--batch-timeout", flags->batch_timeout, "When a batch goes that is not full");
    app.add_flag("--unordered", flags->unordered, "What fails holds nothing back");
    app.add_option("--concurrency", flags->concurrency, "Requests at a time, if unordered");
    app.add_option("--rate", flags->rate, "Requests a second, at most");
    app.add_option("--disable-after", flags->disable_after, "If it fails for so long");
    app.add_option("--description", flags->description, "For people; '' is none");
}

void add_adding(CLI::App& parent, Context& context, const std::shared_ptr<Flags>& flags) {
    CLI::App* app =
        add_one(parent, context, flags, "add", "Make one; prints its secret", false, add);
    app->add_option("URL", flags->url, "Where messages are delivered")->required();
    app->add_option("--topic", flags->topics, "What it gets; repeatable")
        ->type_name("GLOB")
        ->required()
        ->allow_extra_args(false);
    add_properties(*app, flags);
    app->add_option("--start", flags->start, "now (default), beginning, since:10m, last:N, an id");
}

void add_updating(CLI::App& parent, Context& context, const std::shared_ptr<Flags>& flags) {
    CLI::App* app = add_one(parent, context, flags, "update",
                            "Change what is named; place and secret stay", true, update);
    app->add_option("--url", flags->url, "Where messages are delivered");
    app->add_option("--topic", flags->topics, "What it gets, in place of all before; repeatable")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    add_properties(*app, flags);
    app->add_flag("--ordered", flags->ordered, "What fails holds back what comes after it")
        ->excludes("--unordered");
}

}  // namespace

void add_webhook(CLI::App& app, Context& context) {
    CLI::App* webhook = app.add_subcommand("webhook", "Webhooks of a gateway");
    webhook->require_subcommand(1);
    webhook->footer(
        "Examples:  weft webhook add https://example.com/hook --topic 'git.*' --where branch=main\n"
        "           weft webhook test wh_...\n"
        "           weft webhook recover wh_... 2h\n"
        "docs/webhooks.md has how a receiver checks the signature; `weft tail --forward URL` "
        "tries\n"
        "one that runs on this machine.");
    auto flags = std::make_shared<Flags>();
    const auto action = [](const char* what) {
        return [what](Context& at, const Flags& with) { return act(at, with, what); };
    };
    add_adding(*webhook, context, flags);
    add_updating(*webhook, context, flags);
    add_one(*webhook, context, flags, "list", "Yours; an admin's: all", false, list);
    add_one(*webhook, context, flags, "show", "All about one", true,
            [](Context& at, const Flags& with) {
                print(with, Portal(at, with).ask("GET", one(with)));
                return exit_done;
            });
    add_one(*webhook, context, flags, "secret", "What it signs with", true,
            [](Context& at, const Flags& with) {
                print(with, Portal(at, with).ask("GET", one(with, "/secret")));
                return exit_done;
            });
    add_one(*webhook, context, flags, "remove", "Delete one", true,
            [](Context& at, const Flags& with) {
                static_cast<void>(Portal(at, with).ask("DELETE", one(with)));
                return exit_done;
            });
    add_one(*webhook, context, flags, "attempts", "The last requests, newest first", true,
            show_attempts)
        ->add_option("--limit", flags->limit, "How many (default: 20, at most 100)");
    add_one(*webhook, context, flags, "resend", "Send one message once more; exit 1 if it fails",
            true, resend)
        ->add_option("MESSAGE", flags->message, "Its id of the journal, or its own")
        ->required();
    add_one(*webhook, context, flags, "recover", "Deliver again what was stored since", true,
            action("recover"))
        ->add_option("SINCE", flags->since,
                     "A span such as 2h, or a time such as "
                     "2026-11-21T02:43:29Z")
        ->required();
    add_one(*webhook, context, flags, "rotate", "A new secret; the old one signs on for a while",
            true, action("rotate"))
        ->add_option("--overlap", flags->overlap, "For how long (default: 24h)");
    add_one(*webhook, context, flags, "test", "Send a test message; exit 1 if it fails", true,
            action("test"));
    add_one(*webhook, context, flags, "pause", "Deliver nothing for now", true, action("pause"));
    add_one(*webhook, context, flags, "resume", "Go on where it was", true, action("resume"));
    add_one(*webhook, context, flags, "disable", "As if it had failed for too long", true,
            action("disable"));
    add_one(*webhook, context, flags, "enable", "Go on where it was", true, action("enable"));
}

}  // namespace weft::tools
