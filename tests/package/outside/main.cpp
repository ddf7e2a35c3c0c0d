// A project that only knows the installed package: publishes and receives over the in-process
// transport, with the key and the configuration that `weft init` made in the current directory.

#include <weft/config/load.hpp>
#include <weft/fabric/fabric.hpp>

#include <chrono>
#include <iostream>

int main() {
    using namespace std::chrono_literals;
    const auto transport = weft::fabric::make_memory_transport();
    weft::fabric::FabricOptions options;
    options.transport = transport.get();
    auto loading = weft::config::process_options(
        {}, {"fabric.mode=bind", "fabric.endpoints={outside.host1: [inproc://outside]}",
             "fabric.relay.outbound=inproc://nowhere"});
    const auto configuration = weft::config::load(loading);
    if (!configuration) {
        std::cerr << weft::config::text_of(configuration.error()) << '\n';
        return 2;
    }
    auto fabric = weft::fabric::Fabric::open(*configuration, options);
    auto commits = fabric->subscribe({"git.**"});
    auto& publisher = fabric->publisher();
    if (!publisher.wait_for_subscriber("org.weft.dev.git.commit", 10s)) return 3;
    fabric->publish("git.commit", {{"hash", "2f1c9e"}, {"files", 3}});
    const auto message = commits->receive(10s);
    if (!message || !message->verified()) return 4;
    std::cout << message->topic() << " from " << message->signer() << ": "
              << message->value()["hash"].text_or("?") << '\n';
    return 0;
}
