// decode_content() against other readers of msgpack: msgpack-c's objects and Python's module.

#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <msgpack.hpp>
#include <random>

#include "fabric/message/codec.hpp"
#include "fabric/message/utf8_text.hpp"
#include "signing/digest.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"

namespace weft::fabric {
namespace {

std::size_t depth_of(const msgpack::object& object) {
    std::size_t deepest = 0;
    if (object.type == msgpack::type::ARRAY) {
        for (const auto& element : object.via.array) deepest = std::max(deepest, depth_of(element));
        return deepest + 1;
    }
    if (object.type == msgpack::type::MAP) {
        for (const auto& [key, value] : object.via.map) {
            deepest = std::max({deepest, depth_of(key), depth_of(value)});
        }
        return deepest + 1;
    }
    return 0;
}

std::optional<std::string_view> text_of(const msgpack::object& object, std::size_t bytes_max) {
    if (object.type != msgpack::type::STR || object.via.str.size > bytes_max) return std::nullopt;
    const std::string_view text{object.via.str.ptr, object.via.str.size};
    return is_utf8(text) ? std::optional{text} : std::nullopt;
}
std::optional<std::string_view> bytes_of(const msgpack::object& object) {
    if (object.type != msgpack::type::BIN) return std::nullopt;
    return std::string_view{object.via.bin.ptr, object.via.bin.size};
}

/// The rules of codec.hpp once more, over objects: slow, plain, and by another parser.
class Oracle {
public:
    /// Nothing if the content must be refused.
    static std::optional<DecodedContent> decode(std::string_view content, msgpack::zone& zone) {
        if (content.empty() || content[0] != '\x92') return std::nullopt;
        std::size_t offset = 0;
        msgpack::object object;
        try {
            const auto limit = static_cast<std::uint32_t>(content.size());
            object = msgpack::unpack(
                zone, content.data(), content.size(), offset,
                [](auto, std::size_t, void*) { return true; }, nullptr,
                msgpack::unpack_limit(limit, limit, limit, limit, limit, 40));
        } catch (const std::exception&) {
            return std::nullopt;
        }
        if (offset != content.size()) return std::nullopt;
        return decode(object.via.array.ptr[0], object.via.array.ptr[1]);
    }

private:
    static std::optional<DecodedContent> decode(const msgpack::object& head,
                                                const msgpack::object& body) {
        if (head.type != msgpack::type::ARRAY || head.via.array.size < 9) return std::nullopt;
        const msgpack::object* at = head.via.array.ptr;
        for (std::size_t i = 7; i < head.via.array.size; ++i) {
            if (depth_of(at[i]) > msgpack_depth_max) return std::nullopt;
        }
        DecodedContent decoded;
        ContentHeader& header = decoded.header;
        const auto id = bytes_of(at[0]);
        if (!id || id->size() != 16) return std::nullopt;
        header.id = *MessageId::from_bytes(*id);
        const std::array numbers{&header.epoch, &header.seq, &header.time_us};
        for (std::size_t i = 0; i < 3; ++i) {
            if (at[i + 1].type != msgpack::type::POSITIVE_INTEGER) return std::nullopt;
            *numbers[i] = at[i + 1].via.u64;
        }
        const auto source = text_of(at[4], 255), type = text_of(at[5], 255);
        if (!source || !type) return std::nullopt;
        header.source = *source;
        header.content_type = *type;
        if (at[6].type != msgpack::type::NIL) {
            const auto parent = bytes_of(at[6]);
            if (!parent || parent->size() != 16) return std::nullopt;
            header.parent = MessageId::from_bytes(*parent);
        }
        if (at[8].type != msgpack::type::NIL) {
            if (at[8].type != msgpack::type::MAP || at[8].via.map.size > 64) return std::nullopt;
            for (const auto& [key, value] : at[8].via.map) {
                const auto name = text_of(key, 255), text = text_of(value, 4096);
                if (!name || name->empty() || !text) return std::nullopt;
                header.headers.emplace_back(*name, *text);
            }
        }
        if (!header.content_type.empty()) {
            const auto bytes = bytes_of(body);
            if (!bytes) return std::nullopt;
            decoded.body = *bytes;
        } else if (depth_of(body) > msgpack_depth_max) {
            return std::nullopt;
        }
        return decoded;
    }
};

std::string mutated(std::string content, std::mt19937& random) {
    const auto place = [&] { return random() % (content.size() + 1); };
    // Bytes that mean something to msgpack, more often than chance would have them.
    static const std::string telling =
        "\x90\x91\x92\x99\x9A\x80\x81\xA0\xA1\xC0\xC1\xC4\xC5\xC7\xCC"
        "\xCD\xCE\xCF\xD0\xD3\xD4\xD9\xDA\xDB\xDC\xDD\xDE\xDF\xE0";
    for (std::size_t changes = 1 + random() % 3; changes > 0 && !content.empty(); --changes) {
        const std::size_t at = random() % content.size();
        const char byte =
            random() % 2 == 0 ? static_cast<char>(random()) : telling[random() % telling.size()];
        switch (random() % 5) {
            case 0:
                content[at] = byte;
                break;
            case 1:
                content.insert(at, 1, byte);
                break;
            case 2:
                content.erase(at, 1 + random() % 3);
                break;
            case 3:
                content.insert(place(), content.substr(at, random() % 8));
                break;
            default:
                content[at] = static_cast<char>(content[at] ^ (1 << random() % 8));
                break;
        }
    }
    return content;
}

TEST(CodecOracle, AgreesWithMsgpackObjectsOnContentsThatWereTamperedWith) {
    ContentHeader plain = sample_header(), rich = sample_header(), typed = sample_header();
    rich.parent = rich.id;
    rich.ack = "\x92\x01\xA1x";
    rich.headers = {{"trace", "gr\xC3\xBC\xC3\x9F"}, {"b", "value"}};
    typed.content_type = "text/plain";
    const std::array seeds{encoded(plain, "\x05"),
                           encoded(rich,
                                   "\x82\xA1"
                                   "a\x92\x01\x02\xA1"
                                   "b\xC0"),
                           encoded(typed, "hello")};
    std::mt19937 random{20'261'121};
    int accepted = 0;
    for (int i = 0; i < 150'000; ++i) {
        const std::string content = mutated(seeds[random() % seeds.size()], random);
        msgpack::zone zone;
        const auto expected = Oracle::decode(content, zone);
        DecodedContent decoded;
        const auto result = decode_content(content, decoded);
        ASSERT_EQ(result.has_value(), expected.has_value())
            << signing::hex(content) << (result ? "" : ": " + result.error());
        if (!expected) continue;
        ++accepted;
        const auto &a = decoded.header, &b = expected->header;
        ASSERT_EQ(std::tie(a.id, a.epoch, a.seq, a.time_us, a.source, a.content_type, a.parent),
                  std::tie(b.id, b.epoch, b.seq, b.time_us, b.source, b.content_type, b.parent))
            << signing::hex(content);
        ASSERT_EQ(a.headers, b.headers);
        if (!a.content_type.empty()) {
            ASSERT_EQ(decoded.body, expected->body);
        }
    }
    EXPECT_GT(accepted, 10'000);
}

std::string output_of(const std::string& command) {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe{popen(command.c_str(), "r"), pclose};
    std::string output;
    std::array<char, 4096> room{};
    while (const std::size_t bytes = fread(room.data(), 1, room.size(), pipe.get())) {
        output.append(room.data(), bytes);
    }
    return output;
}

constexpr std::string_view python = "/usr/bin/python3 -c '";

TEST(CodecOracle, PythonReadsWhatWasEncodedAndItsOwnEncodingReadsTheSame) {
    if (output_of(std::string{python} + "import msgpack; print(1)' 2>&1") != "1\n") {
        GTEST_SKIP() << "python3-msgpack is not installed";
    }
    ContentHeader header = sample_header();
    header.parent = header.id;
    header.ack = "\x92\x01\xA1x";
    header.headers = {{"trace", "gr\xC3\xBC\xC3\x9F"}, {"b", "value"}};
    const std::string body =
        to_msgpack(Value{{"n", 70'000}, {"f", 1.5}, {"b", Binary{"x"}}}).value();
    const std::string content = encoded(header, body);

    const std::string output =
        output_of(std::string{python} +
                  "import msgpack, sys\n"
                  "head, body = msgpack.unpackb(bytes.fromhex(sys.argv[1]))\n"
                  "print(head[0].hex(), head[1:6], head[6].hex(), head[7], ascii(head[8]), body)\n"
                  "head[1] = 2\n"
                  "print(msgpack.packb([head, body]).hex())' " +
                  signing::hex(content));

    const std::size_t line_end = output.find('\n');
    ASSERT_NE(line_end, std::string::npos) << output;
    EXPECT_EQ(output.substr(0, line_end),
              "01934a5b6c7d7abc8def0123456789ab [3, 42, 1795229009123456, 'git', ''] "
              "01934a5b6c7d7abc8def0123456789ab [1, 'x'] {'trace': 'gr\\xfc\\xdf', 'b': 'value'} "
              "{'n': 70000, 'f': 1.5, 'b': b'x'}");
    std::string theirs;
    for (std::size_t at = line_end + 1; at + 1 < output.size(); at += 2) {
        theirs += static_cast<char>(std::stoi(output.substr(at, 2), nullptr, 16));
    }
    DecodedContent decoded;
    const auto result = decode_content(theirs, decoded);
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(decoded.header.epoch, 2U);
    EXPECT_EQ(decoded.header.seq, header.seq);
    EXPECT_EQ(decoded.header.time_us, header.time_us);
    EXPECT_EQ(decoded.header.parent, header.parent);
    EXPECT_EQ(decoded.header.ack, header.ack);
    EXPECT_EQ(decoded.header.headers, header.headers);
    EXPECT_EQ(decoded.body, body);
    EXPECT_LT(theirs.size(), content.size());
}

}  // namespace
}  // namespace weft::fabric
