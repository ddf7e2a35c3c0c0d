// Loads the plugin that it is given as the hub would, and hands it one message.

#include <weft/fabric/message/codec.hpp>
#include <weft/reliability/hub/plugin_handler.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

namespace {

class Surroundings final : public weft::reliability::hub::Surroundings {
public:
    tl::expected<weft::fabric::MessageId, std::string> publish(
        const weft::reliability::hub::Wanted&, const weft::fabric::MessageId&) override {
        return weft::fabric::MessageId::make(1);
    }
    void log(Level, std::string_view consumer, std::string_view line) override {
        std::cout << consumer << ": " << line << '\n';
    }
    [[nodiscard]] std::string_view hub_name() const override { return "outside.host1"; }
};

weft::fabric::Message commit() {
    weft::fabric::ContentHeader header;
    header.id = weft::fabric::MessageId::make(1);
    header.content_type = "application/json";
    const std::string body = R"({"author":"ann","hash":"2f1c9e"})";
    std::string bytes(weft::fabric::encoded_size(header, body), '\0');
    weft::fabric::encode_content(header, body, bytes.data());
    auto run = std::make_shared<weft::fabric::RunBytes>("org.weft.dev.git.commit", bytes, "");
    weft::fabric::DecodedContent content;
    if (!weft::fabric::decode_content(run->contents, content)) std::abort();
    const std::string_view raw = run->contents;
    return {std::move(run), std::move(content), raw, {}};
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 64;
    const std::string output = std::string{argv[1]} + ".json";
    std::filesystem::remove(output);
    weft::reliability::hub::ConsumerSettings settings;
    settings.name = "commit-counter";
    settings.plugin = argv[1];
    settings.settings_json = R"({"output":")" + output + R"("})";
    Surroundings surroundings;
    const auto host = weft::reliability::hub::make_plugin_in_process(settings, surroundings);
    if (const auto started = host->start(); !started) {
        std::cerr << started.error() << '\n';
        return 1;
    }
    const auto verdict = host->make()->handle(commit(), 1);
    if (verdict.is != weft::reliability::hub::Verdict::Is::done) {
        std::cerr << verdict.reason << '\n';
        return 1;
    }
    std::string counts;
    std::getline(std::ifstream(output) >> std::ws, counts);
    std::cout << "it counted: " << counts << '\n';
    return 0;
}
