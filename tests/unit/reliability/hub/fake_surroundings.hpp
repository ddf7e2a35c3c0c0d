#pragma once
// What a consumer reaches of the hub, without a hub: remembers what is published and logged.
// Threads: any.

#include <algorithm>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

struct PublishedCopy {
    std::string topic, body, content_type;
    std::vector<std::pair<std::string, std::string>> headers;
    bool durable = false;
    fabric::MessageId parent;
    friend bool operator==(const PublishedCopy&, const PublishedCopy&) = default;
};

class FakeSurroundings : public Surroundings {
public:
    tl::expected<fabric::MessageId, std::string> publish(const Wanted& wanted,
                                                         const fabric::MessageId& parent) override {
        const std::scoped_lock lock(mutex_);
        if (published_.size() == fail_at) return tl::make_unexpected("no journal answered");
        PublishedCopy copy{std::string{wanted.topic},
                           std::string{wanted.body},
                           std::string{wanted.content_type},
                           {},
                           wanted.durable,
                           parent};
        copy.headers.assign(wanted.headers.begin(), wanted.headers.end());
        published_.push_back(std::move(copy));
        return fabric::MessageId::make(published_.size());
    }
    void log(Level level, std::string_view consumer, std::string_view line) override {
        const std::scoped_lock lock(mutex_);
        lines_.push_back((level == Level::info ? "" : "! ") + std::string{consumer} + ": " +
                         std::string{line});
    }
    [[nodiscard]] std::string_view hub_name() const override { return "hub.host1"; }

    [[nodiscard]] std::vector<PublishedCopy> published() const {
        const std::scoped_lock lock(mutex_);
        return published_;
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }
    [[nodiscard]] bool logged(const std::string& part) const {
        const auto all = lines();
        return std::any_of(all.begin(), all.end(), [&](const std::string& line) {
            return line.find(part) != std::string::npos;
        });
    }

    /// The publish with this number (from 0) and all behind it fail.
    std::size_t fail_at = std::size_t(-1);

private:
    mutable std::mutex mutex_;
    std::vector<PublishedCopy> published_;
    std::vector<std::string> lines_;
};

}  // namespace weft::reliability::hub
