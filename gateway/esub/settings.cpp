#include "gateway/esub/settings.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

#include "config/section.hpp"

namespace weft::gateway::esub {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

std::string first_address() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return "127.0.0.1";
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
    for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
        if ((one->ifa_flags & static_cast<unsigned>(IFF_LOOPBACK)) != 0) continue;
        const auto* address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
        std::array<char, INET_ADDRSTRLEN> text{};
        if (::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size()) != nullptr) {
            return text.data();
        }
    }
    return "127.0.0.1";
}

/// What a name of a metric may begin with.
bool is_metric_name(std::string_view text) {
    const auto is_good = [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
               (byte >= '0' && byte <= '9');
    };
    return !text.empty() && text.size() <= 100 && (text.front() < '0' || text.front() > '9') &&
           std::all_of(text.begin(), text.end(), is_good);
}

}  // namespace

Settings Settings::read(const config::Configuration& configuration, config::Problems& problems) {
    const config::Section esub(configuration, "gateway.esub", problems);
    Settings settings;
    settings.name = host_name();
    settings.node_ip = esub.text("node_ip");
    if (settings.node_ip.empty()) settings.node_ip = first_address();
    settings.confirm = esub.flag("confirm");
    settings.ping = esub.duration("ping");
    if (settings.ping < std::chrono::seconds{1}) {
        esub.refuse("ping", "members cannot be looked at so often; write 1s or more");
    }
    settings.close_connections = esub.flag("close_connections");
    settings.metric_prefix = esub.text("metric_prefix");
    if (!is_metric_name(settings.metric_prefix)) {
        esub.refuse("metric_prefix", config::in_quotes(settings.metric_prefix) +
                                         " begins no metric; letters, digits and '_' do, such as "
                                         "esub");
    }
    settings.key_bytes_max = esub.size("key_max");
    settings.waiters_per_client = static_cast<std::size_t>(esub.count("waiters_per_client"));
    return settings;
}

}  // namespace weft::gateway::esub
