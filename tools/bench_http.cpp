// weft bench http: what a gateway answers in a second.

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>

#include "tools/bench_parts.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/http_load.hpp"
#include "tools/stop_signal.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

struct Flags {
    std::string url = "http://127.0.0.1:8080", path = "/healthz", body;
    std::size_t connections = 64;
    std::chrono::milliseconds duration{5000};
    bool json = false;
};

void print_json(const HttpLoadResult& result) {
    std::string statuses;
    for (const auto& [status, count] : result.statuses) {
        statuses += fmt::format("{}\"{}\":{}", statuses.empty() ? "" : ",", status, count);
    }
    const auto at = [&](double share) { return result.latency.percentile(share); };
    fmt::print(
        "{{\"requests\":{},\"bytes\":{},\"seconds\":{:.6f},\"per_second\":{:.0f},"
        "\"latency_us\":{{\"p50\":{:.0f},\"p90\":{:.0f},\"p99\":{:.0f},\"p999\":{:.0f},"
        "\"max\":{:.0f}}},\"statuses\":{{{}}},\"errors\":{},\"not_connected\":{},"
        "\"broken\":{}}}\n",
        result.requests, result.bytes, result.seconds,
        static_cast<double>(result.requests) / result.seconds, at(0.5), at(0.9), at(0.99),
        at(0.999), result.latency.max(), statuses, result.errors(), result.not_connected,
        result.broken);
}

void print_table(const HttpLoadResult& result) {
    std::string statuses;
    for (const auto& [status, count] : result.statuses) {
        statuses += fmt::format("{}{}: {}", statuses.empty() ? "" : ", ", status, count);
    }
    const auto us = [&](double share) {
        return fmt::format("{:.0f} µs", result.latency.percentile(share));
    };
    const std::string text = table({
        {"requests", fmt::format("{} in {:.3f} s", result.requests, result.seconds)},
        {"a second", fmt::format("{:.0f}", static_cast<double>(result.requests) / result.seconds)},
        {"p50", us(0.5)},
        {"p90", us(0.9)},
        {"p99", us(0.99)},
        {"p99.9", us(0.999)},
        {"max", fmt::format("{:.0f} µs", result.latency.max())},
        {"statuses", statuses.empty() ? "none" : statuses},
        {"errors", fmt::format("{} ({} not connected, {} broken off)", result.errors(),
                               result.not_connected, result.broken)},
    });
    std::fputs(text.c_str(), stdout);
}

int bench_http(const Flags& flags) {
    HttpLoad load;
    std::string url = flags.url;
    while (url.ends_with('/')) url.pop_back();
    if (!flags.path.starts_with('/')) {
        throw usage_error("--path: " + flags.path + " does not begin with '/'");
    }
    auto target = HttpTarget::parse(url + flags.path);
    if (!target) throw usage_error("--url: " + target.error());
    load.target = std::move(*target);
    load.body = flags.body;
    load.connections = flags.connections;
    load.duration = flags.duration;
    StopSignal stop;
    const auto result = run_http_load(load, [&] { return stop.requested(); });
    if (!result) throw failure(result.error());
    if (flags.json) {
        print_json(*result);
    } else {
        print_table(*result);
    }
    if (stop.exit_code() != exit_done) return stop.exit_code();
    return result->requests > 0 && result->errors() == 0 ? exit_done : exit_failed;
}

}  // namespace

void add_bench_http(CLI::App& bench, Context& context) {
    CLI::App* command =
        bench.add_subcommand("http", "Requests to a gateway, over kept connections");
    auto flags = std::make_shared<Flags>();
    command->add_option("--url", flags->url, "The server, without TLS")->capture_default_str();
    command->add_option("--path", flags->path, "Path and query to ask for")->capture_default_str();
    command->add_option("--body", flags->body, "POST this, instead of GET");
    command->add_option("--connections", flags->connections, "Each with one request under way")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    add_duration(*command, "--duration", flags->duration, "How long (default: 5s)");
    command->add_flag("--json", flags->json, "The figures as one JSON object");
    command->footer(
        "Exit 0 only if every answer was 2xx or 3xx. One thread asks, so the figures are those of\n"
        "both ends. Chunked answers are not read: they count as broken off.\n"
        "Example:  weft bench http --path '/v1/topics/bench?durable=true' --body '{}' --json");
    command->callback([&context, flags] { context.run = [flags] { return bench_http(*flags); }; });
}

}  // namespace weft::tools
