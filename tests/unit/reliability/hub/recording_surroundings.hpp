#pragma once
// A hub's surroundings that remember what a consumer wanted of them. Threads: any.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

struct Published {
    std::string topic, body, content_type;
    std::vector<std::pair<std::string, std::string>> headers;
    bool durable = false;
    fabric::MessageId parent;
};

class RecordingSurroundings final : public Surroundings {
public:
    tl::expected<fabric::MessageId, std::string> publish(const Wanted& wanted,
                                                         const fabric::MessageId& parent) override {
        if (before_publish) before_publish();
        const std::scoped_lock lock(mutex_);
        if (!refusal.empty()) return tl::make_unexpected(refusal);
        Published made{std::string{wanted.topic},
                       std::string{wanted.body},
                       std::string{wanted.content_type},
                       {},
                       wanted.durable,
                       parent};
        for (const auto& [name, value] : wanted.headers) made.headers.emplace_back(name, value);
        published_.push_back(std::move(made));
        return id();
    }
    void log(Level level, std::string_view consumer, std::string_view line) override {
        const std::scoped_lock lock(mutex_);
        lines_.push_back(std::string{name_of(level)} + " " + std::string{consumer} + ": " +
                         std::string{line});
        changed_.notify_all();
    }
    [[nodiscard]] std::string_view hub_name() const override { return "hub.host1"; }

    [[nodiscard]] std::vector<std::string> lines() const {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }
    [[nodiscard]] std::vector<Published> published() const {
        const std::scoped_lock lock(mutex_);
        return published_;
    }
    /// False if not so many such lines came within 20 s.
    [[nodiscard]] bool wait_for_line(const std::string& wanted, int times = 1) const {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds{20}, [&] {
            return std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
                       return line.find(wanted) != std::string::npos;
                   }) >= times;
        });
    }
    /// Of everything that is published.
    [[nodiscard]] static fabric::MessageId id() {
        return *fabric::MessageId::parse("01934a5b-0000-7abc-8def-0123456789ab");
    }

    std::string refusal;                   ///< Set before the first publish(): the error of all.
    std::function<void()> before_publish;  ///< Set before the first, too.

private:
    static std::string_view name_of(Level level) {
        switch (level) {
            case Level::debug:
                return "debug";
            case Level::info:
                return "info";
            case Level::warning:
                return "warning";
            case Level::error:
                break;
        }
        return "error";
    }

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::string> lines_;
    std::vector<Published> published_;
};

}  // namespace weft::reliability::hub
