#include "gateway/http/compression.hpp"

#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>

namespace weft::gateway {
namespace {

constexpr int gzip_window_bits = 15 + 16;

bool is_refused(std::string_view parameters) {
    const std::size_t q = parameters.find("q=");
    if (q == std::string_view::npos) return false;
    const std::string_view value = trimmed(parameters.substr(q + 2));
    return value.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(const Headers& request) {
    std::optional<bool> any, named;
    for (std::string_view list : request.all("Accept-Encoding")) {
        while (!list.empty()) {
            const std::size_t comma = std::min(list.find(','), list.size());
            const std::string_view item = list.substr(0, comma);
            list.remove_prefix(std::min(comma + 1, list.size()));
            const std::size_t mark = std::min(item.find(';'), item.size());
            const std::string_view name = trimmed(item.substr(0, mark));
            const bool accepted = !is_refused(item.substr(mark));
            if (same_name(name, "gzip") || same_name(name, "x-gzip")) named = accepted;
            if (name == "*") any = accepted;
        }
    }
    return named.value_or(any.value_or(false));
}

bool is_compressible(const Response& response) {
    if (response.body.size() < compressed_bytes_min) return false;
    if (response.headers.find("Content-Encoding") || response.headers.find("Content-Range") ||
        response.headers.lists("Cache-Control", "no-transform")) {
        return false;
    }
    const auto type = response.headers.find("Content-Type");
    if (!type) return false;
    const std::string_view kind = trimmed(type->substr(0, type->find(';')));
    static constexpr std::array<std::string_view, 5> kinds = {
        "application/json", "application/javascript", "application/yaml", "application/xml",
        "image/svg+xml"};
    return kind.starts_with("text/") || kind.ends_with("+json") ||
           std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

std::optional<std::string> gzip(std::string_view body) {
    z_stream stream{};
    // The fastest level: io threads do this, and JSON shrinks to a fifth with it.
    if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window_bits, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        return std::nullopt;
    }
    std::string packed(body.size(), '\0');
    stream.next_in = reinterpret_cast<const Bytef*>(body.data());
    stream.avail_in = static_cast<uInt>(body.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    const int result = ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    if (result != Z_STREAM_END) return std::nullopt;
    return packed;
}

}  // namespace weft::gateway
