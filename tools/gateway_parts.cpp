#include "tools/gateway_parts.hpp"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "config/host.hpp"
#include "fabric/transport/clock.hpp"
#include "gateway/access_log/access_line.hpp"
#include "gateway/access_log/client_address.hpp"
#include "gateway/esub/cluster/key_topic.hpp"
#include "gateway/http/prefixed.hpp"
#include "gateway/routemaster/routemaster_handler.hpp"
#include "tools/journal_command.hpp"
#include "tools/ready_notice.hpp"

namespace weft::tools {
namespace {

using gateway::Protocol;
using std::chrono::milliseconds;

constexpr milliseconds stop_patience{3500}, last_requests{500}, last_flush{500};

std::unique_ptr<fabric::Fabric> open_gateway_fabric(Context& context) {
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = "gateway";
    options.kind = "gateway";
    return fabric::Fabric::open(context.configuration(), options);
}

/// The journal's state has the secrets of webhooks (K3).
void warn_if_others_read(const std::filesystem::path& journal) {
    std::error_code error;
    const auto now = std::filesystem::status(journal, error).permissions();
    constexpr auto others = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
    if (!error && (now & others) != std::filesystem::perms::none) {
        Context::warn("others may read " + journal.string() +
                      ", which has the secrets of webhooks: chmod 700 " + journal.string());
    }
}

}  // namespace

Gateway::Gateway(Context& context, const gateway::GatewaySettings& settings)
    : settings_(settings), fabric_(open_gateway_fabric(context)) {
    config::Problems problems;
    cluster_ = gateway::esub::ClusterSettings::read(context.configuration(), problems);
    Context::require_none(problems);
    gateway::BridgeLimits limits = settings.bridge;
    limits.answered_elsewhere =
        [topics = gateway::esub::KeyTopics(fabric_->settings().space, cluster_.topic_root)](
            const fabric::Message& message) { return topics.key_of(message.topic()).has_value(); };
    auto bridge = gateway::LiveBridge::open(*fabric_, reliability_settings(context), limits);
    if (!bridge) throw failure(bridge.error());
    bridge_ = std::move(*bridge);
    auto tokens =
        gateway::TokenStore::open(settings.tokens, fabric_->settings().space, &Context::warn);
    if (!tokens) throw usage_error(tokens.error());
    tokens_ = std::move(*tokens);
    if (settings.auth_required && tokens_->tokens() == 0) {
        Context::warn(
            "gateway.auth.required is true, and there are no tokens yet: nobody gets "
            "in; `weft token add` makes one");
    }
    access_ = std::make_unique<gateway::Access>(*tokens_, settings.auth_required, fabric_->clock());
    open_access_log();
    make_handlers(context);
    open_engine(context);
    make_routemaster(context);
    open_server();
    engine_->start();
}

Gateway::~Gateway() {
    stop();
}

void Gateway::refresh() {
    const bool others = tokens_->refresh();
    if (others) native_->review();
    if (others || ++looks_ % owners_every == 0) owners_->look();
}

void Gateway::reopen_log() {
    if (access_log_) access_log_->reopen();
}

std::vector<std::string> Gateway::apply(const config::Configuration& configuration) {
    config::Problems problems;
    static_cast<void>(gateway::read_gateway_settings(configuration, problems));
    std::vector<std::string> lines;
    for (const config::Problem& problem : problems) lines.push_back(problem.text());
    if (!lines.empty()) return lines;
    if (auto reloaded = fabric_->reload(configuration); !reloaded) return reloaded.error();
    if (settings_.certificate.empty()) return {};
    if (auto tls = server_->reload_tls(); !tls) {
        Context::warn("the certificate of TLS stays the old one: " + tls.error());
    }
    return {};
}

std::string Gateway::not_ready() {
    std::string why = bridge_->not_ready();
    if (!why.empty() || routemaster_->is_ready()) return why;
    routemaster_->begin();
    return routemaster_->is_ready() ? "" : "Routemaster's topics and tokens are not read yet";
}

void Gateway::say_where() {
    say_listening("journal", bridge_->bound());
    for (std::size_t i = 0; i < opened_.size(); ++i) {
        const std::string url = server_->listeners()[i].url();
        for (const gateway::MountSettings& mount : opened_[i].mounts) {
            if (handler_of(mount.protocol)) {
                say_listening(std::string{name_of(mount.protocol)}, url + mount.prefix);
            }
        }
    }
}

void Gateway::stop() {
    if (!server_) return;
    server_->stop(stop_patience);
    timers_.use(nullptr);
    server_.reset();
    native_.reset();
    rse_.reset();
    webhooks_.reset();
    engine_->stop(last_requests);
    esub_.reset();
    esub_elsewhere_->stop();
    static_cast<void>(fabric_->flush(last_flush));
    bridge_->stop();
}

void Gateway::open_access_log() {
    if (settings_.access_log.path.empty()) return;
    auto opened = gateway::AccessLog::open(settings_.access_log.path, &Context::warn);
    if (!opened) throw failure(opened.error());
    access_log_ = std::move(*opened);
}

void Gateway::make_routemaster(Context& context) {
    config::Problems problems;
    auto settings = gateway::routemaster::Settings::read(context.configuration(), problems);
    Context::require_none(problems);
    settings.trusted_proxies = settings_.trusted_proxies;
    routemaster_presenter_ = std::make_unique<gateway::routemaster::RoutemasterPresenter>(
        settings.topic_root, WEFT_VERSION);
    engine_->add(*routemaster_presenter_);
    routemaster_ =
        std::make_unique<gateway::routemaster::Service>(gateway::routemaster::Service::Parts{
            std::move(settings), *bridge_, *bridge_, *engine_, *tokens_, timers_, fabric_->clock(),
            &Context::warn,
            [](const std::string& line) { Context::log(Context::Level::debug, line); }});
    routemaster_->begin();
}

void Gateway::make_handlers(Context& context) {
    const auto reliability = reliability_settings(context);
    const fabric::TopicSpace& space = fabric_->settings().space;
    native_ =
        std::make_shared<gateway::native::NativeHandler>(gateway::native::NativeHandler::Parts{
            *bridge_, *access_, timers_, fabric_->clock(), space, reliability.groups,
            fabric_->settings().name, WEFT_VERSION, bridge_.get(), &bridge_->traffic(),
            [this] { return bridge_->peers(); }});
    metrics_ = std::make_shared<gateway::MetricsHandler>(gateway::MetricsHandler::Parts{
        [this] { return figures(); }, [this] { return not_ready(); }});
    config::Problems problems;
    rse_settings_ = gateway::rse::Settings::read(context.configuration(), problems);
    Context::require_none(problems);
    open_rse_ids(reliability.journal);
    rse_ = std::make_shared<gateway::rse::RseHandler>(rse_settings_, *bridge_, *tokens_,
                                                      fabric_->clock(), rse_ids_, &timers_);
    const auto esub = gateway::esub::Settings::read(context.configuration(), problems);
    Context::require_none(problems);
    esub_elsewhere_ = std::make_unique<gateway::esub::FabricElsewhere>(*fabric_, *bridge_, cluster_,
                                                                       esub.confirm);
    gateway::esub::House::Parts parts{esub, fabric_->clock(), timers_, esub_elsewhere_.get()};
    parts.client_of = [this](const gateway::Request& request) {
        return gateway::client_address(request.peer,
                                       request.headers.find("X-Forwarded-For").value_or(""),
                                       settings_.trusted_proxies);
    };
    esub_house_ = std::make_shared<gateway::esub::House>(std::move(parts));
    esub_elsewhere_->serve(*esub_house_);
    esub_ = std::make_shared<gateway::esub::ClusterRoutes>(esub_house_, *esub_elsewhere_, "");
}

void Gateway::open_rse_ids(const reliability::JournalSettings& journal) {
    std::filesystem::path file = journal.path;
    file += ".rse-ids";
    std::error_code ignored;  // Opening says it better.
    std::filesystem::create_directories(file.parent_path(), ignored);
    auto ids = gateway::rse::IdLine::open(file, bridge_->journal());
    if (!ids) throw usage_error(ids.error());
    rse_ids_ = std::move(*ids);
}

void Gateway::open_engine(Context& context) {
    config::Problems problems;
    const auto delivery = gateway::delivery::Settings::read(context.configuration(), problems);
    const auto webhooks = gateway::webhooks::Settings::read(context.configuration(), problems);
    Context::require_none(problems);
    const fabric::TopicSpace& space = fabric_->settings().space;
    notices_ = std::make_unique<gateway::webhooks::Notices>(*bridge_, fabric_->clock(), space,
                                                            &Context::warn);
    auto engine = gateway::delivery::LiveEngine::open(
        {.bridge = *bridge_,
         .room = *bridge_,
         .clock = fabric_->clock(),
         .settings = delivery,
         .on_notice =
             [this](const gateway::delivery::Notice& notice) { notices_->publish(notice); },
         .warn = &Context::warn});
    if (!engine) throw failure(engine.error());
    engine_ = std::move(*engine);
    warn_if_others_read(reliability_settings(context).journal.path);
    engine_->add(webhook_presenter_);
    webhooks_ = std::make_shared<gateway::webhooks::WebhookHandler>(
        gateway::webhooks::WebhookHandler::Parts{*engine_, *bridge_, *bridge_, *access_,
                                                 fabric_->clock(), space, webhooks});
    owners_ = std::make_unique<gateway::webhooks::Owners>(
        *engine_, [this](const std::string& name) { return tokens_->holder(name); });
    owners_->look();
}

std::shared_ptr<gateway::Handler> Gateway::handler_of(Protocol protocol) const {
    switch (protocol) {
        case Protocol::native:
            return native_;
        case Protocol::metrics:
            return metrics_;
        case Protocol::rse:
            return rse_;
        case Protocol::routemaster:
            return std::make_shared<gateway::routemaster::RoutemasterHandler>(*routemaster_);
        case Protocol::esub:
            return esub_;
        case Protocol::console:
            return nullptr;
    }
    return nullptr;
}

void Gateway::mount(const gateway::MountSettings& wanted, std::vector<gateway::Mount>& mounts) {
    const auto below = [&](const std::string& path, std::shared_ptr<gateway::Handler> handler) {
        mounts.push_back({wanted.prefix + path, std::move(handler)});
    };
    const auto prefixed = [&](const std::shared_ptr<gateway::PrefixedHandler>& handler) {
        return std::make_shared<gateway::BelowPrefix>(handler, wanted.prefix);
    };
    switch (wanted.protocol) {
        case Protocol::native:
            below("/v1/webhooks", prefixed(webhooks_));
            for (const char* path : {"/v1", "/openapi.json"}) below(path, prefixed(native_));
            return;
        case Protocol::metrics:
            for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
                below(path, prefixed(metrics_));
            }
            return;
        case Protocol::rse: {
            if (wanted.prefix.empty()) return below("/", rse_);
            gateway::rse::Settings rse = rse_settings_;
            rse.path_prefix = wanted.prefix;
            return below("", std::make_shared<gateway::rse::RseHandler>(
                                 rse, *bridge_, *tokens_, fabric_->clock(), rse_ids_, &timers_));
        }
        case Protocol::routemaster:
            return below(wanted.prefix.empty() ? "/" : "",
                         std::make_shared<gateway::routemaster::RoutemasterHandler>(*routemaster_,
                                                                                    wanted.prefix));
        case Protocol::esub:
            return below("", wanted.prefix.empty()
                                 ? esub_
                                 : std::make_shared<gateway::esub::ClusterRoutes>(
                                       esub_house_, *esub_elsewhere_, wanted.prefix));
        case Protocol::console:
            return;
    }
}

void Gateway::open_server() {
    gateway::ServerSettings server;
    std::string left_out;
    for (const auto& listener : settings_.listeners) {
        gateway::ListenerSettings open;
        open.address = listener.address;
        for (const gateway::MountSettings& wanted : listener.mounts) {
            mount(wanted, open.mounts);
            if (!handler_of(wanted.protocol)) {
                left_out += (left_out.empty() ? "" : ", ") + std::string{name_of(wanted.protocol)} +
                            " at " + listener.address;
            }
        }
        if (open.mounts.empty()) continue;
        server.listeners.push_back(std::move(open));
        opened_.push_back(listener);
    }
    if (!left_out.empty()) Context::info("not there yet, and not served: " + left_out);
    if (opened_.empty()) throw usage_error("gateway.listeners: nothing would be served");
    server.limits = settings_.limits;
    server.threads = settings_.io_threads;
    server.tls = {settings_.certificate.string(), settings_.key.string(), settings_.tls_only};
    if (access_log_) {
        server.on_access = [this](const gateway::AccessRecord& record) {
            static_cast<void>(access_log_->write(
                gateway::access_line(record, settings_.access_log.format, settings_.trusted_proxies,
                                     fabric_->clock().utc_us())));
        };
    }
    auto opened = gateway::Server::open(std::move(server));
    if (!opened) throw failure(opened.error());
    server_ = std::move(*opened);
    timers_.use(&server_->timers());
    esub_elsewhere_->membership().use_address(esub_address());
}

std::string Gateway::esub_address() const {
    if (!cluster_.advertise.empty()) return cluster_.advertise;
    for (std::size_t i = 0; i < opened_.size(); ++i) {
        for (const gateway::MountSettings& one : opened_[i].mounts) {
            if (one.protocol != Protocol::esub) continue;
            const gateway::BoundListener& bound = server_->listeners()[i];
            const bool everywhere = bound.host == "0.0.0.0" || bound.host == "::";
            const std::string host = everywhere ? esub_house_->settings.node_ip : bound.host;
            return config::host_port_text(host, bound.port) + one.prefix;
        }
    }
    return "";
}

}  // namespace weft::tools
