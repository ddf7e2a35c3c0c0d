// A plugin that does what its settings and its messages say: {"do": "retry"}. What it has seen it
// says in its log.

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "reliability/hub/plugin.hpp"

namespace {

using weft::plugin::Host;
using weft::plugin::Message;
using weft::plugin::Result;

/// Returns once somebody has opened the FIFO for writing and closed it again.
void wait_for(const std::string& fifo) {
    const int file = ::open(fifo.c_str(), O_RDONLY);
    char byte = 0;
    while (file >= 0 && ::read(file, &byte, 1) > 0) {
    }
    if (file >= 0) ::close(file);
}

struct NoStandardException {};

class Scripted : public weft::plugin::Consumer {
public:
    ~Scripted() override {
        if (host_ != nullptr && tells_end_) std::puts("destroyed");
    }

    void start(Host& host) override {
        host_ = &host;
        const auto& settings = host.settings();
        if (const auto text = settings.text("fail_start")) throw std::runtime_error(*text);
        if (settings.flag("crash_start").value_or(false)) std::abort();
        if (const auto fifo = settings.text("hang_start")) wait_for(*fifo);
        if (settings.flag("publish_start").value_or(false)) publish("test.started", "{}");
        if (settings.flag("exit_start").value_or(false)) std::exit(3);
        greeting_ = settings.text("greeting").value_or("none");
        tells_end_ = settings.flag("tell_end").value_or(false);
        if (const auto counter = settings.text("count_starts")) count_start(*counter);
        host.log().info("started " + std::string{host.consumer()} + " at " +
                        std::string{host.hub()} + ", greeting " + greeting_);
    }

    Result consume(const Message& message) override {
        const std::string what = message.text("do").value_or("done");
        if (what == "done") return Result::done();
        if (what == "retry") return Result::retry(message.text("why").value_or(""));
        if (what == "reject") return Result::reject(message.text("why").value_or(""));
        if (what == "throw") throw std::runtime_error(message.text("why").value_or(""));
        if (what == "throw other") throw NoStandardException{};
        if (what == "variable") return variable(message);
        if (what == "tell") return tell(message);
        if (what == "publish") return publish_result(message);
        if (what == "publish elsewhere") return publish_elsewhere();
        if (what == "speak later") return speak_later(message);
        if (what == "log") return log(message);
        if (what == "print") return print(message);
        return misbehave(what, message);
    }

    void stop() override {
        if (host_->settings().flag("fail_stop").value_or(false)) throw std::runtime_error("no");
        host_->log().info("stopped");
        if (const auto fifo = host_->settings().text("hang_stop")) wait_for(*fifo);
    }

private:
    static void count_start(const std::string& file) {
        std::FILE* const out = std::fopen(file.c_str(), "a");
        if (out == nullptr) return;
        std::fputs("started\n", out);
        std::fclose(out);
    }

    std::string publish(std::string_view topic, std::string_view body) {
        weft::plugin::Outgoing outgoing;
        outgoing.topic = topic;
        outgoing.body = body;
        outgoing.headers = {{"kind", "test"}};
        return host_->publisher().publish(outgoing);
    }

    static Result variable(const Message& message) {
        const char* value = std::getenv(message.text("name").value_or("").c_str());
        return Result::retry(value == nullptr ? "not set" : value);
    }

    Result tell(const Message& message) {
        std::string line{message.topic()};
        line += " " + std::string{message.id()} + " #" + std::to_string(message.journal_id());
        line += " by " + std::string{message.signer()} + "/" + std::string{message.source()};
        line += " attempt " + std::to_string(message.attempt());
        line += " seq " + std::to_string(message.sequence());
        host_->log().info(line);
        host_->log().info(message.json());
        host_->log().info(message.body_json());
        return Result::done();
    }

    Result publish_result(const Message& message) {
        const std::string topic = message.text("topic").value_or("test.answer");
        const std::string body = message.text("body").value_or(R"({"n":1})");
        try {
            host_->log().info("published " + publish(topic, body));
        } catch (const weft::plugin::PublishFailed& error) {
            return Result::reject(error.what());
        }
        return Result::done();
    }

    Result publish_elsewhere() {
        std::thread other([this] { publish("test.elsewhere", "{}"); });
        other.join();
        return Result::done();
    }

    /// Returns at once; what it starts speaks once somebody has written to the FIFO.
    Result speak_later(const Message& message) {
        later_ = std::jthread([this, fifo = message.text("fifo").value_or("")] {
            wait_for(fifo);
            host_->log().info("later");
            host_->log().info("published " + publish("test.later", "{}"));
        });
        return Result::done();
    }

    Result log(const Message& message) {
        host_->log().warning(message.text("line").value_or(""));
        return Result::done();
    }

    static Result print(const Message& message) {
        std::puts(message.text("out").value_or("").c_str());
        std::fflush(stdout);
        std::fputs((message.text("err").value_or("") + "\n").c_str(), stderr);
        return Result::done();
    }

    Result misbehave(const std::string& what, const Message& message) {
        if (what == "hang") wait_for(message.text("fifo").value_or(""));
        while (what == "log for ever") host_->log().info("again");
        if (what == "crash") {
            std::signal(SIGSEGV, SIG_DFL);  // Sanitizers take it, and exit instead.
            std::raise(SIGSEGV);
        }
        if (what == "exit") std::exit(7);
        if (what == "crash once" && message.attempt() == 1) std::raise(SIGABRT);
        if (what == "garbage") {
            const std::string noise(64, '\xFF');
            static_cast<void>(!::write(3, noise.data(), noise.size()));
            wait_for(message.text("fifo").value_or(""));
        }
        if (what == "eat memory") {
            const std::vector<char> eaten(std::size_t{8} << 30, 'x');
            return Result::reject("got it, all " + std::to_string(eaten.size()));
        }
        return Result::done();
    }

    Host* host_ = nullptr;
    std::string greeting_;
    bool tells_end_ = false;
    std::jthread later_;
};

}  // namespace

WEFT_CONSUMER_PLUGIN(Scripted)
