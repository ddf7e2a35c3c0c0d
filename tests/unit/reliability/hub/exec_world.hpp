#pragma once
// An ExecHost around a small program, and what it says of messages.
// Threads: one.

#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "reliability/hub/exec_handler.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/reliability/hub/fake_surroundings.hpp"
#include "tests/unit/reliability/hub/scratch_programs.hpp"

namespace weft::reliability::hub {

inline bool operator==(const Verdict& a, const Verdict& b) {
    return a.is == b.is && a.reason == b.reason;
}
inline void PrintTo(const Verdict& verdict, std::ostream* out) {
    constexpr const char* names[] = {"done", "retry", "reject", "left"};
    *out << names[static_cast<int>(verdict.is)] << " '" << verdict.reason << "'";
}

inline Verdict done() {
    return {};
}
inline Verdict retry(std::string reason) {
    return {Verdict::Is::retry, std::move(reason)};
}

class ExecWorld : public ScratchPrograms {
protected:
    ~ExecWorld() override {
        handler_.reset();
        host_.reset();
        for (const pid_t group : groups_) EXPECT_TRUE(group_is_gone(group)) << group;
    }

    static ConsumerSettings settings_for(std::vector<std::string> exec) {
        ConsumerSettings settings;
        settings.name = "counter";
        settings.exec = std::move(exec);
        return settings;
    }
    void start(ConsumerSettings settings) {
        host_ = std::make_unique<ExecHost>(std::move(settings), surroundings_);
        const auto started = host_->start();
        ASSERT_TRUE(started) << started.error();
        handler_ = host_->make();
        remember_group();
    }
    void start(const std::string& program) { start(settings_for({program})); }

    Verdict handle(unsigned attempt = 1) { return handle(fabric::received(body_), attempt); }
    Verdict handle(const fabric::Message& message, unsigned attempt = 1) {
        Verdict verdict = handler_->handle(message, attempt);
        remember_group();
        return verdict;
    }
    /// What one program answers to the first message.
    Verdict answer_of(const std::string& program) {
        start(program);
        return handle();
    }
    [[nodiscard]] pid_t pid() const {
        const std::string details = host_->details();
        pid_t number = 0;
        if (details.starts_with("pid ")) {
            std::from_chars(details.data() + 4, details.data() + details.size(), number);
        }
        return number;
    }
    void remember_group() {
        if (const pid_t group = pid(); group != 0) groups_.push_back(group);
    }

    FakeSurroundings surroundings_;
    fabric::Value body_{{"hash", "2f1c"}, {"author", "ann"}};
    std::unique_ptr<ExecHost> host_;
    std::unique_ptr<Handler> handler_;
    std::vector<pid_t> groups_;
};

}  // namespace weft::reliability::hub
