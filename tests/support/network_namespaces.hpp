#pragma once
// Two hosts with a router between them, each a network namespace of this machine, so that packets
// can be lost in one direction or both. Needs root and iproute2; available() says why not.
// Ownership: the namespaces, and every link in them, go with the object.
// Threads: one.

#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace weft::testing {

class NetworkNamespaces {
public:
    /// "" or the reason why this machine cannot have them.
    [[nodiscard]] static std::string unavailable() {
        if (::geteuid() != 0) return "network namespaces need root";
        const std::string name = "weft-probe-" + std::to_string(::getpid());
        if (run({"ip", "netns", "add", name}).exit_code != 0) {
            return "`ip netns add` does not work here";
        }
        static_cast<void>(run({"ip", "netns", "delete", name}));
        return "";
    }

    NetworkNamespaces() {
        for (const std::string& name : {left_, router_, right_}) ip({"netns", "add", name});
        join(left_, "10.77.1.2", "10.77.1.1", "l" + id_);
        join(right_, right_address(), "10.77.2.1", "r" + id_);
        ip({"netns", "exec", router_, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"});
    }
    ~NetworkNamespaces() {
        for (const std::string& name : {left_, router_, right_}) {
            static_cast<void>(run({"ip", "netns", "delete", name}));
        }
    }
    NetworkNamespaces(const NetworkNamespaces&) = delete;
    NetworkNamespaces& operator=(const NetworkNamespaces&) = delete;

    [[nodiscard]] static std::string right_address() { return "10.77.2.2"; }
    /// Put before an argv.
    [[nodiscard]] std::vector<std::string> on_left() const {
        return {"ip", "netns", "exec", left_};
    }
    [[nodiscard]] std::vector<std::string> on_right() const {
        return {"ip", "netns", "exec", right_};
    }

    /// Packets from the right to the left vanish in the router; the other direction goes on.
    void cut_towards_left() { ip({"-n", router_, "route", "add", "blackhole", "10.77.1.2/32"}); }
    void heal_towards_left() {
        ip({"-n", router_, "route", "delete", "blackhole", "10.77.1.2/32"});
    }
    void cut_towards_right() { ip({"-n", router_, "route", "add", "blackhole", "10.77.2.2/32"}); }
    void heal_towards_right() {
        ip({"-n", router_, "route", "delete", "blackhole", "10.77.2.2/32"});
    }

private:
    static void ip(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "ip");
        const Finished done = run(arguments);
        if (done.exit_code != 0) throw std::runtime_error("ip: " + done.err);
    }

    void join(const std::string& host, const std::string& address, const std::string& gateway,
              const std::string& link) {
        ip({"link", "add", link + "h", "netns", host, "type", "veth", "peer", "name", link + "g",
            "netns", router_});
        ip({"-n", host, "address", "add", address + "/24", "dev", link + "h"});
        ip({"-n", router_, "address", "add", gateway + "/24", "dev", link + "g"});
        ip({"-n", host, "link", "set", "lo", "up"});
        ip({"-n", host, "link", "set", link + "h", "up"});
        ip({"-n", router_, "link", "set", link + "g", "up"});
        ip({"-n", host, "route", "add", "default", "via", gateway});
    }

    const std::string id_ = std::to_string(::getpid());
    const std::string left_ = "weft-left-" + id_, router_ = "weft-router-" + id_,
                      right_ = "weft-right-" + id_;
};

}  // namespace weft::testing
