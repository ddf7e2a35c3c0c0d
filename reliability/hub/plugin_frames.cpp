#include "reliability/hub/plugin_frames.hpp"

#include "fabric/message/codec.hpp"
#include "fabric/message/msgpack_read.hpp"
#include "reliability/service/packer.hpp"

namespace weft::reliability::hub::frames {
namespace {

/// The first field of each array is its place in its variant, and how many fields follow is fixed.
class Writer {
public:
    Writer(std::size_t kind, std::size_t fields) { packer_.array(fields + 1).uint(kind); }

    Writer& flag(bool value) { return number(value ? 1 : 0); }
    Writer& number(std::uint64_t value) {
        packer_.uint(value);
        return *this;
    }
    Writer& text(std::string_view value) {
        packer_.bin(value);
        return *this;
    }
    Writer& perhaps(const std::optional<std::uint64_t>& value) {
        if (value) return number(*value);
        packer_.nil();
        return *this;
    }
    Writer& pairs(const std::vector<std::pair<std::string_view, std::string_view>>& values) {
        packer_.array(values.size());
        for (const auto& [name, value] : values) packer_.array(2).bin(name).bin(value);
        return *this;
    }
    std::optional<std::string> frame() {
        const std::string& payload = packer_.bytes();
        if (payload.size() > frame_bytes_max) return std::nullopt;
        std::string made;
        made.reserve(4 + payload.size());
        for (int shift = 24; shift >= 0; shift -= 8) {
            made += static_cast<char>(static_cast<std::uint8_t>(payload.size() >> shift));
        }
        return made += payload;
    }

private:
    Packer packer_;
};

std::optional<std::string> write(std::size_t kind, const Start& said) {
    return Writer(kind, 4)
        .text(said.plugin)
        .text(said.consumer)
        .text(said.hub)
        .text(said.settings_json)
        .frame();
}
std::optional<std::string> write(std::size_t kind, const Deliver& said) {
    return Writer(kind, 8)
        .number(said.number)
        .text(said.topic)
        .text(said.content)
        .text(said.certificate)
        .flag(said.verified)
        .flag(said.replayed)
        .perhaps(said.journal_id)
        .number(said.attempt)
        .frame();
}
std::optional<std::string> write(std::size_t kind, const Answer& said) {
    return Writer(kind, 3).number(said.number).flag(said.published).text(said.text).frame();
}
std::optional<std::string> write(std::size_t kind, const Stop&) {
    return Writer(kind, 0).frame();
}
std::optional<std::string> write(std::size_t kind, const Started&) {
    return Writer(kind, 0).frame();
}
std::optional<std::string> write(std::size_t kind, const Failed& said) {
    return Writer(kind, 1).text(said.text).frame();
}
std::optional<std::string> write(std::size_t kind, const Publish& said) {
    if (said.headers.size() > fabric::headers_max) return std::nullopt;
    return Writer(kind, 7)
        .number(said.number)
        .text(said.topic)
        .text(said.body)
        .text(said.content_type)
        .pairs(said.headers)
        .flag(said.durable)
        .flag(said.caused)
        .frame();
}
std::optional<std::string> write(std::size_t kind, const Log& said) {
    return Writer(kind, 2).number(said.level).text(said.line).frame();
}
std::optional<std::string> write(std::size_t kind, const Judged& said) {
    return Writer(kind, 3).number(said.number).number(said.is).text(said.reason).frame();
}

template <class Variant>
std::optional<std::string> write_any(const Variant& said) {
    return std::visit([&](const auto& one) { return write(said.index(), one); }, said);
}

/// Reads fields until one is not as it must be; from then on nothing.
class Fields {
public:
    explicit Fields(std::string_view payload) : reader_(payload) {}

    Fields& flag(bool& value) {
        std::uint64_t number = 0;
        good_ = good_ && reader_.uint(number) && number <= 1;
        value = number == 1;
        return *this;
    }
    Fields& number(std::uint64_t& value, std::uint64_t max = ~std::uint64_t{0}) {
        good_ = good_ && reader_.uint(value) && value <= max;
        return *this;
    }
    Fields& text(std::string_view& value) {
        good_ = good_ && reader_.bin(value);
        return *this;
    }
    Fields& perhaps(std::optional<std::uint64_t>& value) {
        if (good_ && reader_.nil()) return *this;
        return number(value.emplace());
    }
    Fields& pairs(std::vector<std::pair<std::string_view, std::string_view>>& values) {
        std::uint64_t count = 0;
        good_ = good_ && reader_.array_head(count) && count <= fabric::headers_max;
        for (; good_ && count > 0; --count) {
            std::uint64_t two = 0;
            auto& [name, value] = values.emplace_back();
            good_ = reader_.array_head(two) && two == 2;
            text(name).text(value);
        }
        return *this;
    }
    /// True if there is a head of so many entries, with a kind first.
    bool head(std::uint64_t& entries, std::uint64_t& kind) {
        good_ = reader_.array_head(entries) && reader_.uint(kind);
        return good_;
    }
    [[nodiscard]] bool whole() const { return good_ && reader_.rest().empty(); }

private:
    fabric::MsgpackReader reader_;
    bool good_ = true;
};

void read(Fields& fields, Start& said) {
    fields.text(said.plugin).text(said.consumer).text(said.hub).text(said.settings_json);
}
void read(Fields& fields, Deliver& said) {
    fields.number(said.number).text(said.topic).text(said.content).text(said.certificate);
    fields.flag(said.verified).flag(said.replayed).perhaps(said.journal_id).number(said.attempt);
}
void read(Fields& fields, Answer& said) {
    fields.number(said.number).flag(said.published).text(said.text);
}
void read(Fields&, Stop&) {}
void read(Fields&, Started&) {}
void read(Fields& fields, Failed& said) {
    fields.text(said.text);
}
void read(Fields& fields, Publish& said) {
    fields.number(said.number).text(said.topic).text(said.body).text(said.content_type);
    fields.pairs(said.headers).flag(said.durable).flag(said.caused);
}
void read(Fields& fields, Log& said) {
    fields.number(said.level, 3).text(said.line);
}
void read(Fields& fields, Judged& said) {
    fields.number(said.number).number(said.is, 2).text(said.reason);
}

/// The alternative of `Variant` at `kind`, read; the count of entries tells nothing that the fields
/// do not.
template <class Variant, std::size_t at = 0>
bool read_kind(std::uint64_t kind, Fields& fields, Variant& said) {
    if constexpr (at == std::variant_size_v<Variant>) {
        return false;
    } else {
        if (kind != at) return read_kind<Variant, at + 1>(kind, fields, said);
        read(fields, said.template emplace<at>());
        return fields.whole();
    }
}

template <class Variant>
tl::expected<Variant, std::string> read_any(std::string_view payload) {
    Fields fields(payload);
    std::uint64_t entries = 0, kind = 0;
    Variant said;
    if (!fields.head(entries, kind) || !read_kind(kind, fields, said)) {
        return tl::make_unexpected("a frame of " + std::to_string(payload.size()) +
                                   " bytes is none of those that may come");
    }
    return said;
}

}  // namespace

std::optional<std::string> encode(const ToProcess& said) {
    return write_any(said);
}
std::optional<std::string> encode(const ToHub& said) {
    return write_any(said);
}
tl::expected<ToProcess, std::string> decode_to_process(std::string_view payload) {
    return read_any<ToProcess>(payload);
}
tl::expected<ToHub, std::string> decode_to_hub(std::string_view payload) {
    return read_any<ToHub>(payload);
}

tl::expected<std::optional<std::string>, std::string> Reader::next() {
    constexpr std::size_t head_bytes = 4;
    const std::string_view rest = std::string_view{bytes_}.substr(read_);
    std::size_t length = 0;
    for (std::size_t i = 0; i < head_bytes && i < rest.size(); ++i) {
        length = length << 8 | static_cast<std::uint8_t>(rest[i]);
    }
    const bool known = rest.size() >= head_bytes;
    if (known && length > frame_bytes_max) {
        return tl::make_unexpected("a frame of " + std::to_string(length) + " bytes; at most " +
                                   std::to_string(frame_bytes_max) + " are allowed");
    }
    if (!known || rest.size() - head_bytes < length) {
        bytes_.erase(0, read_);
        read_ = 0;
        return std::optional<std::string>{};
    }
    read_ += head_bytes + length;
    return std::optional<std::string>{rest.substr(head_bytes, length)};
}

}  // namespace weft::reliability::hub::frames
