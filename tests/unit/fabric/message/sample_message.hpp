#pragma once
// Messages for tests, made the way a receiver makes them: from encoded bytes.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "fabric/message/codec.hpp"
#include "fabric/message/message.hpp"
#include "signing/certificate.hpp"

namespace weft::fabric {

inline std::string bytes_of_numbers(std::initializer_list<int> numbers) {
    std::string made;
    for (const int number : numbers) made += static_cast<char>(number);
    return made;
}

inline std::string encoded(const ContentHeader& header, std::string_view body) {
    std::string content(encoded_size(header, body), '\0');
    encode_content(header, body, content.data());
    return content;
}

inline ContentHeader sample_header() {
    ContentHeader header;
    header.id = *MessageId::parse("01934a5b-6c7d-7abc-8def-0123456789ab");
    header.epoch = 3;
    header.seq = 42;
    header.time_us = 1'795'229'009'123'456;
    header.source = "git";
    return header;
}

inline Message received(const ContentHeader& header, std::string_view body,
                        std::shared_ptr<const signing::Certificate> signer = nullptr,
                        bool verified = false) {
    auto run = std::make_shared<RunBytes>("org.weft.dev.git.commit", encoded(header, body), "");
    run->signer = std::move(signer);
    run->verified = verified;
    DecodedContent content;
    const auto decoded = decode_content(run->contents, content);
    EXPECT_TRUE(decoded) << decoded.error();
    const std::string_view raw = run->contents;
    const auto digest = signing::message_digest(run->topic, raw);
    return {std::move(run), std::move(content), raw, digest};
}

inline Message received(const Value& body) {
    return received(sample_header(), to_msgpack(body).value());
}

inline Message received(std::string_view content_type, std::string_view body) {
    ContentHeader header = sample_header();
    header.content_type = content_type;
    return received(header, body);
}

/// A certificate that says this name; nobody signed it.
inline std::shared_ptr<const signing::Certificate> certificate_of(std::string_view name) {
    std::string tbs = "WFC1";
    tbs += bytes_of_numbers({1, 1});           // suite, roles
    tbs += std::string(8 + 8, '\0');           // serial, not before
    tbs += std::string(8, '\x7F');             // not after
    tbs += std::string(16 + 32 + 32, '\x01');  // issuer and keys
    tbs += static_cast<char>(name.size());
    tbs += name;
    tbs += '\0';  // no globs
    const auto read = signing::Certificate::read_unverified(tbs + std::string(64, '\x01'));
    EXPECT_TRUE(read) << read.error().detail;
    return read ? *read : nullptr;
}

}  // namespace weft::fabric
