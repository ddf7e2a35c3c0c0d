#pragma once
// What a plugin sees of one message. What has to be made for it (ids as text, JSON, the decoded
// body) is made when it is first asked for, and kept for the next time.
// Threads: one at a time. Ownership: refers to `message`, which must live longer.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/message.hpp"
#include "fabric/message/value.hpp"
#include "reliability/hub/plugin.hpp"

namespace weft::reliability::hub {

class PluginMessage final : public plugin::Message {
public:
    PluginMessage(const fabric::Message& message, unsigned attempt)
        : message_(message), attempt_(attempt) {}

    [[nodiscard]] std::string_view topic() const override { return message_.topic(); }
    [[nodiscard]] std::string_view id() const override;
    [[nodiscard]] std::uint64_t journal_id() const override {
        return message_.journal_id().value_or(0);
    }
    [[nodiscard]] std::string_view signer() const override { return message_.signer(); }
    [[nodiscard]] std::string_view source() const override { return message_.source(); }
    [[nodiscard]] std::uint64_t time_us() const override { return message_.time_us(); }
    [[nodiscard]] std::string_view parent() const override;
    [[nodiscard]] std::uint64_t sequence() const override { return message_.seq(); }
    [[nodiscard]] unsigned attempt() const override { return attempt_; }
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const override {
        return message_.header(name);
    }
    [[nodiscard]] std::string_view content_type() const override { return message_.content_type(); }
    [[nodiscard]] std::string_view body() const override { return message_.body(); }
    [[nodiscard]] std::string_view body_json() const override;
    [[nodiscard]] std::string_view json() const override;
    [[nodiscard]] std::optional<std::string> text(std::string_view path) const override;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view path) const override;
    [[nodiscard]] std::optional<double> number(std::string_view path) const override;
    [[nodiscard]] std::optional<bool> flag(std::string_view path) const override;

private:
    [[nodiscard]] const fabric::Value* at(std::string_view path) const;

    const fabric::Message& message_;
    unsigned attempt_;
    mutable std::optional<std::string> id_, parent_, body_json_, json_;
    mutable std::optional<fabric::Value> value_;
};

}  // namespace weft::reliability::hub
