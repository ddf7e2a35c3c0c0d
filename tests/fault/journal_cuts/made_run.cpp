#include "tests/fault/journal_cuts/made_run.hpp"

#include <random>

#include "fabric/message/codec.hpp"
#include "signing/proof.hpp"

namespace weft::fault {
namespace {

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
}

}  // namespace

reliability::RunToStore make_run(const MadeRun& run) {
    std::mt19937_64 random(run.writer * 1'000'003 + run.life * 101 + run.number);
    reliability::RunToStore made;
    made.topic = "org.weft.dev.writer" + std::to_string(run.writer);
    made.signer = "writer" + std::to_string(run.writer) + ".host1";
    for (std::uint64_t i = 0; i < run.messages; ++i) {
        fabric::ContentHeader header;
        header.id = *fabric::MessageId::from_bytes(random_bytes(random, 16));
        header.epoch = run.life;
        header.seq = run.number + i;
        header.content_type = "application/octet-stream";
        const std::string body = random_bytes(random, 16 + random() % 600);
        std::string content(fabric::encoded_size(header, body), '\0');
        fabric::encode_content(header, body, content.data());
        signing::append_item(content, made.contents);
        made.messages.push_back({header.id, {}, header.epoch, header.seq});
    }
    const std::string signature = random_bytes(random, 64);
    const std::string certificate = random_bytes(random, 200);
    signing::write_proof({signing::Kind::message, 0, 1, static_cast<std::uint16_t>(run.messages),
                          signature, "", certificate},
                         made.proof);
    return made;
}

}  // namespace weft::fault
