// A worker on the fabric answers clients of HTTP: jobs are messages on jobs.upper that name a reply
// key and a gateway; the answer is published on the key's topic, and counts only once the client
// has it. With the configuration of ./weft.d:
//
//     curl http://127.0.0.1:8090/sub/reply-1 &
//     weft publish jobs.upper --json '{"text": "hello", "reply": "reply-1", "at": "gateway.host1"}'
//
// Prints `ready`, then a line for each job; ends with standard input.

#include <chrono>
#include <iostream>
#include <limits>
#include <string>

#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"

using namespace std::chrono_literals;
using weft::reliability::AckLevel;

namespace {

std::string in_capitals(std::string text) {
    for (char& letter : text) {
        if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    return text;
}

}  // namespace

int main() {
    try {
        auto fabric = weft::fabric::Fabric::open();
        weft::reliability::ReliablePublisher reliable(*fabric);
        weft::reliability::AckConsumer worker(
            *fabric, {"jobs.upper"}, [&](const weft::reliability::Delivery& delivery) {
                const weft::fabric::Value job = delivery.message().value();
                // A key that is no token of a topic is percent-encoded (docs/esub.md).
                const std::string topic = "esub." + job["reply"].text_or("");
                const auto body =
                    weft::fabric::Body::text(in_capitals(job["text"].text_or("")) + "\n");
                const auto sent = reliable.try_publish(topic, body.view(),
                                                       {.recipients = job["at"].text_or(""),
                                                        .level = AckLevel::processed,
                                                        .ack_timeout = 5s});
                std::cout << (sent ? "answered " + topic : sent.error().sentence) << std::endl;
                if (!sent) delivery.reject("the client did not get the answer");
            });
        if (!worker.wait_ready(10s).ready || !reliable.wait_ready(10s).ready) {
            std::cerr << "no relay: start `weft relay` first\n";
            return 1;
        }
        std::cout << "ready" << std::endl;
        std::cin.ignore(std::numeric_limits<std::streamsize>::max());
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
