// NATS core: nats-server and its C client, as they come from Debian, unsigned.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/bench/nats_parts.hpp"

namespace weft::bench {
natsConnection* connect_nats(const std::string& url, bool at_once) {
    const std::uint64_t give_up = now_ns() + 10'000'000'000;
    natsOptions* options = nullptr;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url.c_str()), "url");
    check(natsOptions_SetSendAsap(options, at_once), "send asap");
    natsConnection* connection = nullptr;
    natsStatus status = NATS_OK;
    do {
        status = natsConnection_Connect(&connection, options);
    } while (status != NATS_OK && now_ns() < give_up);
    natsOptions_Destroy(options);
    check(status, "connect");
    return connection;
}

std::unique_ptr<Middle> start_nats(const std::string& configuration) {
    const auto file =
        std::filesystem::temp_directory_path() / ("nats-" + std::to_string(::getpid()));
    std::ofstream(file) << configuration;
    const std::string port = std::to_string(free_port());
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int null = ::open("/dev/null", O_WRONLY);
        ::dup2(null, 1);
        ::dup2(null, 2);
        ::execlp("nats-server", "nats-server", "-a", "127.0.0.1", "-p", port.c_str(), "-c",
                 file.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }
    auto middle = std::make_unique<Middle>(std::vector<int>{pid});
    middle->publish_at = middle->subscribe_at = "nats://127.0.0.1:" + port;
    return middle;
}

namespace {

class NatsCore final : public Peer {
public:
    [[nodiscard]] std::string name() const override { return "nats"; }

    [[nodiscard]] std::unique_ptr<Middle> middle() const override {
        // The benchmark loses nothing: the server may keep what a subscriber has not read yet.
        return start_nats("max_pending: 4GB\nwrite_deadline: \"60s\"\n");
    }

    void publish(const Meeting& meeting, const Load& load) const override {
        natsConnection* connection = connect_nats(meeting.publish_at, load.rate > 0);
        meeting.await_ready(load.subscribers);
        Source source(load);
        for (std::uint64_t i = 0; i < load.messages; ++i) {
            const std::string& topic = source.next(i);
            check(natsConnection_Publish(connection, topic.c_str(), source.body().data(),
                                         static_cast<int>(source.body().size())),
                  "publish");
        }
        check(natsConnection_FlushTimeout(connection, 60'000), "flush");
        natsConnection_Destroy(connection);
    }

    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override {
        natsConnection* connection = connect_nats(meeting.subscribe_at, true);
        natsSubscription* subscription = nullptr;
        check(natsConnection_SubscribeSync(&subscription, connection, "org.weft.dev.bench.>"),
              "subscribe");
        check(natsSubscription_SetPendingLimits(subscription, -1, -1), "pending limits");
        check(natsConnection_Flush(connection), "flush");
        meeting.i_am_ready();
        Arrivals arrivals(load);
        natsMsg* message = nullptr;
        while (!arrivals.complete() &&
               natsSubscription_NextMsg(&message, subscription, 5000) == NATS_OK) {
            arrivals.add({natsMsg_GetData(message),
                          static_cast<std::size_t>(natsMsg_GetDataLength(message))});
            natsMsg_Destroy(message);
        }
        natsSubscription_Destroy(subscription);
        natsConnection_Destroy(connection);
        return arrivals.seen();
    }
};

}  // namespace

std::unique_ptr<Peer> nats_core() {
    return std::make_unique<NatsCore>();
}

}  // namespace weft::bench
