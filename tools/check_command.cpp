// weft check: does everything in the configuration live?

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/section.hpp"
#include "fabric/curve_setup.hpp"
#include "fabric/node/counters.hpp"
#include "fabric/node/publisher.hpp"
#include "fabric/node/subscriber.hpp"
#include "fabric/settings.hpp"
#include "fabric/transport/transport.hpp"
#include "gateway/settings.hpp"
#include "reliability/service/field_codec.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/refusal.hpp"
#include "signing/settings.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/http_target.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_parts.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

/// A gateway that is not ready yet.
constexpr milliseconds ask_again_after{50};

struct Flags {
    milliseconds timeout{2000};
    bool json = false, verbose = false;
};

/// One thing that should answer. Opened first, all of them, so that they are asked side by side.
struct Asked {
    std::string role, endpoint;
    std::unique_ptr<fabric::Publisher> publisher;
    std::unique_ptr<fabric::Subscriber> subscriber;
    std::string error;
    std::future<std::string> journal{};  ///< What is wrong with it, once that is known.
    std::unique_ptr<reliability::RemoteLink> link{};

    bool answers(milliseconds left) {
        if (journal.valid()) {
            // Its link gives up in time.
            error = journal.get();
            return error.empty();
        }
        if (publisher) return publisher->wait_for_peer(left);
        return subscriber && subscriber->wait_ready(left).ready;
    }
};

class Check {
public:
    Check(Context& context, const Flags& flags) : flags_(flags) {
        config::Problems problems;
        settings_ = fabric::read_settings(context.configuration(), problems);
        const auto signing_settings =
            signing::read_settings(config::Section(context.configuration(), "signing", problems));
        Context::require_none(problems);
        std::shared_ptr<fabric::Curve> curve;
        if (settings_.curve) {
            auto made =
                fabric::make_curve(settings_, signing_settings, nullptr, clock_, &Context::warn);
            if (!made) throw usage_error(made.error());
            curve = std::move(*made);
            no_relay_key_ = fabric::no_relay_key(*curve, settings_);
        }
        curve_ = curve;
        transport_ = fabric::make_zmq_transport({}, std::move(curve));
        reliability_ = reliability_settings(context);
        gateway_ = gateway::read_gateway_settings(context.configuration(), problems);
        Context::require_none(problems);
        if (!reliability_.journals.empty()) trust_ = own_trust(context);
    }

    int run() {
        const auto start = clock_.steady();
        const auto deadline = start + flags_.timeout;
        ask_relay_inbound();
        ask_subscriber_side("relay outbound", settings_.relay_outbound.text());
        if (asked_.back().error.empty()) asked_.back().error = no_relay_key_;
        for (const std::string& endpoint : settings_.mesh_endpoints()) {
            ask_subscriber_side("publisher " + owner_of(endpoint), endpoint);
        }
        for (const std::string& name : reliability_.journals) ask_journal(name);
        ask_gateways();
        bool all = true;
        for (Asked& asked : asked_) {
            const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady());
            const bool lives =
                asked.error.empty() && asked.answers(std::max(left, milliseconds{1}));
            report(asked, lives,
                   std::chrono::duration<double, std::milli>(clock_.steady() - start).count());
            all = all && lives;
        }
        return finish(report_gateways(start) && all);
    }

private:
    int finish(bool all) const {
        if (flags_.verbose) print_counters();
        return all ? exit_done : exit_failed;
    }

    void ask_relay_inbound() {
        fabric::PublisherSettings publisher;
        publisher.relay_inbound = settings_.relay_inbound.text();
        publisher.close_timeout = milliseconds{0};
        Asked asked{"relay inbound", publisher.relay_inbound, nullptr, nullptr, ""};
        auto opened = fabric::Publisher::open(*transport_, clock_, publisher, nullptr, nullptr);
        if (!opened) {
            asked.error = opened.error();
        } else {
            asked.publisher = std::move(*opened);
            asked.error = no_relay_key_;
        }
        asked_.push_back(std::move(asked));
    }

    void ask_subscriber_side(const std::string& role, const std::string& endpoint) {
        fabric::SubscriberSettings subscriber;
        subscriber.endpoints = {endpoint};
        subscriber.validate = false;
        Asked asked{role, endpoint, nullptr, nullptr, ""};
        auto opened = fabric::Subscriber::open(*transport_, clock_, std::move(subscriber), nullptr,
                                               {[](const fabric::Message&) {}, {}, {}});
        if (opened) {
            asked.subscriber = std::move(*opened);
        } else {
            asked.error = opened.error();
        }
        asked_.push_back(std::move(asked));
    }

    /// It must be the journal of that name, by its signature, and able to store.
    void ask_journal(const std::string& name) {
        Asked asked{"journal " + name, "", nullptr, nullptr, ""};
        auto remote = reliability::remote_settings(settings_.space, reliability_, name);
        if (!remote) {
            asked.error = remote.error();
            asked_.push_back(std::move(asked));
            return;
        }
        asked.endpoint = remote->endpoint;
        remote->patience = flags_.timeout;
        if (curve_) curve_->expect(remote->endpoint, name);
        auto link =
            reliability::RemoteLink::open(*transport_, clock_, std::move(*remote), nullptr, trust_);
        if (!link) {
            asked.error = link.error();
        } else {
            auto answered = std::make_shared<std::promise<std::string>>();
            asked.journal = answered->get_future();
            asked.link = std::move(*link);
            asked.link->ask({}, [answered](auto answer) {
                answered->set_value(journal_problem(std::move(answer)));
            });
        }
        asked_.push_back(std::move(asked));
    }

    /// Those of our configuration, which may be meant for another host: who does not listen is no
    /// fault. Asked is where /readyz is served.
    void ask_gateways() {
        for (const auto& listener : gateway_.listeners) {
            const auto address = config::Address::parse(listener.address);
            if (!address || address->is_wildcard_port()) continue;
            for (const gateway::MountSettings& mount : listener.mounts) {
                if (mount.protocol != gateway::Protocol::metrics) continue;
                HttpTarget target{address->host, address->port, mount.prefix + "/readyz"};
                const std::string url = "http://" + target.authority() + target.path;
                gateways_.emplace_back(
                    url, std::async(std::launch::async, [target, timeout = flags_.timeout] {
                        return ready_or_last_answer(target, timeout);
                    }));
            }
        }
    }
    /// One that has only been started, or whose relay has, may be ready in a moment: it has as long
    /// as everybody else.
    static tl::expected<TargetReply, std::string> ready_or_last_answer(const HttpTarget& target,
                                                                       milliseconds timeout) {
        const auto deadline = std::chrono::steady_clock::now() + timeout;
        std::mutex mutex;
        std::condition_variable never;
        auto reply = http_get(target, timeout);
        while (reply && reply->status == 503) {
            {
                std::unique_lock lock(mutex);
                never.wait_until(
                    lock, std::min(deadline, std::chrono::steady_clock::now() + ask_again_after));
            }
            const auto left = std::chrono::duration_cast<milliseconds>(
                deadline - std::chrono::steady_clock::now());
            if (left.count() <= 0) break;
            auto next = http_get(target, left);
            // What it said last says more than that there was no time to say it again.
            if (!next) break;
            reply = std::move(next);
        }
        return reply;
    }
    /// False: one of those that listen is not ready.
    bool report_gateways(fabric::Instant start) {
        bool all = true;
        for (auto& [url, asked] : gateways_) {
            const auto reply = asked.get();
            if (!reply && reply.error().empty()) continue;
            Asked gateway{"gateway", url, nullptr, nullptr,
                          reply ? not_ready(*reply) : reply.error()};
            const bool lives = gateway.error.empty();
            report(gateway, lives,
                   std::chrono::duration<double, std::milli>(clock_.steady() - start).count());
            all = all && lives;
        }
        return all;
    }
    static std::string not_ready(const TargetReply& reply) {
        // 308: it speaks https alone, and lives.
        if (reply.status == 200 || reply.status == 308) return "";
        std::string body = reply.body;
        while (body.ends_with('\n')) body.pop_back();
        if (reply.status == 503) return signing::escape(body, 400);
        return "answers " + std::to_string(reply.status) + " to GET /readyz: is it a gateway?";
    }

    static std::string journal_problem(
        reliability::JournalResult<reliability::RemoteAnswer> answer) {
        if (!answer) return answer.error().sentence;
        reliability::JournalInfo info;
        if (!reliability::read_info(answer->fields, info)) {
            return "its answer cannot be read; is it of another version?";
        }
        return info.not_ready.empty() ? "" : "it cannot store: " + info.not_ready;
    }

    /// What our own asking took: a relay or publisher tells nobody its figures, but says them at
    /// its end.
    void print_counters() const {
        fabric::Counters counters;
        for (const Asked& asked : asked_) {
            if (asked.publisher) counters.add(asked.publisher->stats());
            if (asked.subscriber) counters.add(asked.subscriber->stats());
        }
        if (flags_.json) {
            std::printf("{\"counters\":%s}\n", counters.json(fabric::Counters::Show::all).c_str());
            return;
        }
        for (const std::string& line : counters.lines(fabric::Counters::Show::all)) {
            std::printf("%s\n", line.c_str());
        }
    }

    std::string owner_of(const std::string& endpoint) const {
        for (const auto& [name, list] : settings_.endpoints) {
            for (const auto& entry : list) {
                if (entry.text() == endpoint) return name;
            }
        }
        return "?";
    }

    void report(const Asked& asked, bool lives, double ms) const {
        const std::string why =
            !asked.error.empty()
                ? asked.error
                : "no answer within " + std::to_string(flags_.timeout.count()) + " ms";
        if (flags_.json) {
            std::printf(R"({"role":"%s","endpoint":"%s","up":%s,"ms":%.1f})"
                        "\n",
                        asked.role.c_str(), asked.endpoint.c_str(), lives ? "true" : "false", ms);
        } else if (lives) {
            std::printf("up    %-24s %s  %.1f ms\n", asked.role.c_str(), asked.endpoint.c_str(),
                        ms);
        } else {
            std::printf("down  %-24s %s  %s\n", asked.role.c_str(), asked.endpoint.c_str(),
                        why.c_str());
        }
    }

    const Flags& flags_;
    fabric::SystemClock clock_;
    fabric::Settings settings_;
    std::string no_relay_key_;  // with CURVE: why the relay cannot be asked
    std::shared_ptr<fabric::Curve> curve_;
    std::unique_ptr<fabric::Transport> transport_;
    reliability::Settings reliability_;
    std::shared_ptr<signing::TrustStore> trust_;  // null: signing.validate is off
    std::vector<Asked> asked_;
    gateway::GatewaySettings gateway_;
    std::vector<std::pair<std::string, std::future<tl::expected<TargetReply, std::string>>>>
        gateways_;
};

}  // namespace

void add_check(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand(
        "check", "Ask every endpoint, relay and journal in the configuration whether it lives");
    auto flags = std::make_shared<Flags>();
    add_duration(*command, "--timeout", flags->timeout,
                 "How long they have to answer (default: 2s)");
    command->add_flag("--json", flags->json, "One object a line");
    command->add_flag("--verbose", flags->verbose, "Also the counters of what asking took");
    command->footer(
        "Each is asked as a publisher or subscriber would: it must answer, not only accept a\n"
        "connection. A journal must also be able to store. A gateway that listens where\n"
        "gateway.listeners says must be ready, or become so in that time. Exit 0 only if\n"
        "all do.\n"
        "Example:  weft check --timeout 500ms || echo something is down");
    command->callback([&context, flags] {
        context.run = [&context, flags] { return Check(context, *flags).run(); };
    });
}

}  // namespace weft::tools
