#include "reliability/journal/rocksdb_parts.hpp"
#include "signing/digest.hpp"

namespace weft::reliability::rocks {
namespace {

constexpr std::uint8_t run_format = 1;

void put(std::string& out, std::uint64_t number, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        out.push_back(static_cast<char>(static_cast<std::uint8_t>(number >> shift)));
    }
}

std::uint64_t get(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<std::uint8_t>(byte);
    return number;
}

}  // namespace

std::string be64(std::uint64_t number) {
    std::string out;
    put(out, number, 8);
    return out;
}

std::uint64_t from_be64(std::string_view bytes) {
    return get(bytes.substr(0, 8));
}

std::string run_header(std::uint64_t count, std::uint64_t stored_us, bool expired,
                       std::size_t topic_bytes, std::size_t contents_bytes) {
    std::string header;
    header.reserve(run_header_bytes);
    put(header, run_format, 1);
    put(header, expired ? 1 : 0, 1);
    put(header, count, 2);
    put(header, stored_us, 8);
    put(header, topic_bytes, 4);
    put(header, contents_bytes, 4);
    return header;
}

std::optional<RawRun> read_run(std::string_view key, std::string_view value) {
    if (key.size() != 8 || value.size() < run_header_bytes || value[0] != run_format) {
        return std::nullopt;
    }
    RawRun run;
    run.first = from_be64(key);
    run.expired = (value[1] & 1) != 0;
    const std::uint64_t count = get(value.substr(2, 2));
    run.last = run.first + count - 1;
    run.stored_us = get(value.substr(4, 8));
    const std::uint64_t topic_bytes = get(value.substr(12, 4)),
                        contents_bytes = get(value.substr(16, 4));
    const std::string_view frames = value.substr(run_header_bytes);
    if (count == 0 || topic_bytes + contents_bytes > frames.size()) return std::nullopt;
    run.topic = frames.substr(0, topic_bytes);
    run.contents = frames.substr(topic_bytes, contents_bytes);
    run.proof = frames.substr(topic_bytes + contents_bytes);
    return run;
}

std::string topic_hash(std::string_view topic) {
    return std::string(signing::bytes_of(signing::TaggedHash("weft.topic").add(topic).finish())
                           .substr(0, hash_bytes));
}

}  // namespace weft::reliability::rocks
