// c-ares' side of the name resolver.

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

#include "config/endpoint.hpp"
#include "fabric/transport/name_resolver.hpp"
#include "signing/refusal.hpp"

namespace weft::fabric {

std::string NameQuery::text() const {
    const std::string shown = signing::escape(name, 253);
    return kind == Kind::host ? "host " + shown + ", port " + std::to_string(port)
                              : "SRV records of " + shown;
}

namespace {

using std::chrono::seconds;

constexpr int timeout_ms = 1000;
constexpr int tries = 2;
/// How soon a stop is seen.
constexpr int poll_ms_max = 100;
/// Answers from /etc/hosts say nothing about their age.
constexpr seconds ttl_default{30};

std::string failure(int status) {
    switch (status) {
        case ARES_ENOTFOUND:
            return "there is no such name";
        case ARES_ENODATA:
            return "the name has no such records";
        case ARES_ETIMEOUT:
        case ARES_ECONNREFUSED:
            return "no name server answered";
        default:
            return ares_strerror(status);
    }
}

std::string target_name(std::string host) {
    for (char& c : host) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    if (host.ends_with('.')) host.pop_back();
    return host;
}

class DnsResolver final : public NameResolver {
public:
    DnsResolver() = default;
    ~DnsResolver() override {
        if (channel_ != nullptr) ares_destroy(channel_);
    }
    DnsResolver(const DnsResolver&) = delete;
    DnsResolver& operator=(const DnsResolver&) = delete;

    tl::expected<void, std::string> open(const std::vector<std::string>& servers) {
        static std::once_flag once;
        std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
        ares_options options{};
        options.timeout = timeout_ms;
        options.tries = tries;
        options.sock_state_cb = &DnsResolver::on_socket_state;
        options.sock_state_cb_data = this;
        constexpr int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
        if (const int status = ares_init_options(&channel_, &options, mask);
            status != ARES_SUCCESS) {
            channel_ = nullptr;
            return tl::make_unexpected("no name resolver: " + std::string{ares_strerror(status)});
        }
        if (servers.empty()) return {};
        std::string list;
        for (const std::string& server : servers) list += (list.empty() ? "" : ",") + server;
        if (ares_set_servers_ports_csv(channel_, list.c_str()) != ARES_SUCCESS) {
            return tl::make_unexpected("'" + signing::escape(list) +
                                       "' are not name servers: write addresses such as "
                                       "192.0.2.1 or 127.0.0.1:5353");
        }
        return {};
    }

    std::vector<NameAnswer> resolve(const std::vector<NameQuery>& queries,
                                    const std::stop_token& stop) override {
        std::vector<NameAnswer> answers(queries.size());
        running_ = 0;
        for (std::size_t i = 0; i < queries.size(); ++i) start(queries[i], answers[i]);
        while (running_ > 0 && !stop.stop_requested()) step();
        ares_cancel(channel_);  // its callbacks run before it returns
        for (std::size_t i = 0; i < queries.size(); ++i) finish(queries[i], answers[i]);
        return answers;
    }

private:
    /// One question on its way; lives until its callback has run.
    struct Pending {
        DnsResolver& resolver;
        NameAnswer& answer;
        std::uint16_t port = 0;
        std::string target{};
    };

    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
        auto& sockets = static_cast<DnsResolver*>(self)->sockets_;
        if (readable == 0 && writable == 0) {
            sockets.erase(fd);
            return;
        }
        sockets[fd] =
            static_cast<short>((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0));
    }

    void start(const NameQuery& query, NameAnswer& answer) {
        if (query.kind == NameQuery::Kind::host) {
            ask_host(query.name, query.port, answer);
            return;
        }
        const std::string name =
            query.name.starts_with('_') ? query.name : "_weft._tcp." + query.name;
        ++running_;
        ares_query(channel_, name.c_str(), ns_c_in, ns_t_srv, &DnsResolver::on_srv,
                   new Pending{*this, answer});
    }

    void ask_host(const std::string& host, std::uint16_t port, NameAnswer& answer,
                  std::string target = "") {
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM;
        hints.ai_flags = ARES_AI_NOSORT;
        ++running_;
        ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &DnsResolver::on_host,
                         new Pending{*this, answer, port, std::move(target)});
    }

    static void on_host(void* argument, int status, int, ares_addrinfo* found) {
        const std::unique_ptr<Pending> pending(static_cast<Pending*>(argument));
        --pending->resolver.running_;
        NameAnswer& answer = pending->answer;
        if (status != ARES_SUCCESS) {
            answer.problem = failure(status);
            return;
        }
        for (const ares_addrinfo_node* node = found->nodes; node != nullptr; node = node->ai_next) {
            add_address(*node, *pending);
        }
        ares_freeaddrinfo(found);
    }

    static void add_address(const ares_addrinfo_node& node, const Pending& pending) {
        NameAnswer& answer = pending.answer;
        std::array<char, NI_MAXHOST> address{};
        if (::getnameinfo(node.ai_addr, node.ai_addrlen, address.data(), address.size(), nullptr, 0,
                          NI_NUMERICHOST) != 0) {
            return;
        }
        config::Endpoint endpoint;
        endpoint.host = address.data();
        endpoint.port = pending.port;
        if (answer.endpoints.size() < endpoints_per_name_max) {
            answer.endpoints.push_back(endpoint.text());
            if (!pending.target.empty()) answer.targets[endpoint.text()] = pending.target;
        }
        const seconds ttl = node.ai_ttl > 0 ? seconds{node.ai_ttl} : ttl_default;
        answer.ttl = answer.ttl == seconds{0} ? ttl : std::min(answer.ttl, ttl);
    }

    static void on_srv(void* argument, int status, int, unsigned char* bytes, int count) {
        const std::unique_ptr<Pending> pending(static_cast<Pending*>(argument));
        --pending->resolver.running_;
        NameAnswer& answer = pending->answer;
        ares_srv_reply* records = nullptr;
        if (status == ARES_SUCCESS) status = ares_parse_srv_reply(bytes, count, &records);
        if (status != ARES_SUCCESS) {
            answer.problem = failure(status);
            return;
        }
        std::size_t targets = 0;
        for (const ares_srv_reply* record = records; record != nullptr; record = record->next) {
            // RFC 2782: a single record with the target "." says that there is no such service.
            const std::string host = record->host;
            if (host.empty() || host == "." || record->port == 0) continue;
            if (++targets > endpoints_per_name_max) break;
            pending->resolver.ask_host(host, record->port, answer, target_name(host));
        }
        if (targets == 0) answer.problem = "its records name no server";
        ares_free_data(records);
    }

    void step() {
        std::vector<pollfd> ready;
        for (const auto& [fd, events] : sockets_) ready.push_back({fd, events, 0});
        timeval most{0, poll_ms_max * 1000L};
        timeval room{};
        const timeval* wait = ares_timeout(channel_, &most, &room);
        const auto wait_ms = static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000);
        ::poll(ready.data(), ready.size(), std::min(wait_ms, poll_ms_max));
        bool any = false;
        for (const pollfd& entry : ready) {
            if (entry.revents == 0) continue;
            any = true;
            const bool in = (entry.revents & ~POLLOUT) != 0;
            const bool out = (entry.revents & POLLOUT) != 0;
            ares_process_fd(channel_, in ? entry.fd : ARES_SOCKET_BAD,
                            out ? entry.fd : ARES_SOCKET_BAD);
        }
        if (!any) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }

    static void finish(const NameQuery& query, NameAnswer& answer) {
        auto& endpoints = answer.endpoints;
        std::sort(endpoints.begin(), endpoints.end());
        endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
        if (endpoints.empty() && answer.problem.empty()) answer.problem = "it has no addresses";
        if (!answer.problem.empty()) answer.problem = query.text() + ": " + answer.problem;
    }

    ares_channel channel_ = nullptr;
    std::map<ares_socket_t, short> sockets_;
    std::size_t running_ = 0;
};

}  // namespace

tl::expected<std::unique_ptr<NameResolver>, std::string> make_dns_resolver(
    const std::vector<std::string>& servers) {
    auto resolver = std::make_unique<DnsResolver>();
    if (auto opened = resolver->open(servers); !opened) {
        return tl::make_unexpected(opened.error());
    }
    return resolver;
}

}  // namespace weft::fabric
