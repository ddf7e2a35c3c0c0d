#pragma once
// Finds the end of HTTP/1.1 answers in bytes, for who counts them or wants one short body. Pure
// state machine. Threads: one. Limits: 64 KiB of headers; of a body body_max bytes are kept.
// Errors: State::broken, with which the connection is of no more use: nobody knows where the next
// answer would begin. Chunked bodies are not read, and are broken, too.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::tools {

class AnswerReader {
public:
    static constexpr std::size_t head_max = std::size_t{64} << 10, body_max = std::size_t{4} << 10;
    enum class State { more, complete, broken };

    /// Takes what belongs to this answer from the front of `bytes`. After complete the next call
    /// begins the next answer.
    State read(std::string_view& bytes) {
        if (in_body_) return read_body(bytes);
        if (begins_) {
            head_.clear();
            body_.clear();
            begins_ = false;
        }
        const std::size_t before = head_.size();
        // One more than may be: with that it is too long, wherever the pieces were cut.
        const std::string_view taken = bytes.substr(0, head_max + 1 - before);
        head_ += taken;
        // The end may have begun in what came before.
        const std::size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
        if (end == std::string::npos) {
            bytes.remove_prefix(taken.size());
            return head_.size() > head_max ? State::broken : State::more;
        }
        bytes.remove_prefix(end + 4 - before);
        head_.resize(end + 2);
        if (!read_head()) return State::broken;
        if (status_ < 200) {
            begins_ = true;
            return bytes.empty() ? State::more : read(bytes);
        }
        in_body_ = true;
        return read_body(bytes);
    }
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    /// The connection goes on after this answer.
    [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
    /// Its beginning.
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

private:
    State read_body(std::string_view& bytes) {
        const auto taken = std::min<std::uint64_t>(left_, bytes.size());
        body_ += bytes.substr(0, std::min<std::size_t>(taken, body_max - body_.size()));
        bytes.remove_prefix(taken);
        left_ -= taken;
        if (left_ > 0) return State::more;
        in_body_ = false;
        begins_ = true;
        return State::complete;
    }

    static std::string lower(std::string_view text) {
        std::string out{text};
        for (char& letter : out) {
            if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
        }
        return out;
    }

    bool read_head() {
        const std::string head = lower(head_);
        if (!head.starts_with("http/1.1 ") || head.size() < 14) return false;
        const auto [end, error] = std::from_chars(&head[9], &head[12], status_);
        if (error != std::errc{} || end != &head[12] || status_ < 100) return false;
        if (value_of(head, "transfer-encoding")) return false;
        keeps_alive_ = value_of(head, "connection").value_or("") != "close";
        left_ = 0;
        if (status_ < 200 || status_ == 204 || status_ == 304) return true;
        const auto length = value_of(head, "content-length");
        if (!length || length->empty()) return false;
        const char* last = length->data() + length->size();
        const auto read = std::from_chars(length->data(), last, left_);
        return read.ec == std::errc{} && read.ptr == last;
    }

    static std::optional<std::string_view> value_of(std::string_view head, std::string_view name) {
        const std::size_t at = head.find("\r\n" + std::string{name} + ":");
        if (at == std::string_view::npos) return std::nullopt;
        std::string_view value = head.substr(at + 3 + name.size());
        value = value.substr(0, value.find("\r\n"));
        while (value.starts_with(' ')) value.remove_prefix(1);
        while (value.ends_with(' ')) value.remove_suffix(1);
        return value;
    }

    std::string head_, body_;
    std::uint64_t left_ = 0;
    unsigned status_ = 0;
    bool in_body_ = false, begins_ = true, keeps_alive_ = true;
};

}  // namespace weft::tools
