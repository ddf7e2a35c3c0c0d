#include "gateway/http/compression.hpp"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

bool accepts(const std::string& value) {
    Headers headers;
    headers.add("accept-encoding", value);
    return accepts_gzip(headers);
}

TEST(AcceptsGzip, ByNameOrByStarUnlessTheQualityIsNone) {
    for (const char* yes : {"gzip", "br, GZIP", "x-gzip", "gzip;q=0.1", "*", "gzip;q=1, *;q=0"}) {
        EXPECT_TRUE(accepts(yes)) << yes;
    }
    for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "*, gzip;q=0", "gzi"}) {
        EXPECT_FALSE(accepts(no)) << no;
    }
    EXPECT_FALSE(accepts_gzip({}));
}

TEST(IsCompressible, TextsThatAreLargeEnoughAndNotPackedYet) {
    const std::string large(compressed_bytes_min, 'x');
    EXPECT_TRUE(is_compressible(Response::of(200, "text/html; charset=utf-8", large)));
    EXPECT_TRUE(is_compressible(Response::of(200, "application/problem+json", large)));
    EXPECT_FALSE(is_compressible(Response::of(200, "image/png", large)));
    EXPECT_FALSE(is_compressible(Response::of(200, "text/html", large.substr(1))));

    Response packed = Response::of(200, "text/html", large);
    packed.headers.add("Content-Encoding", "br");
    EXPECT_FALSE(is_compressible(packed));
    Response as_it_is = Response::of(200, "text/html", large);
    as_it_is.headers.add("Cache-Control", "no-cache, no-transform");
    EXPECT_FALSE(is_compressible(as_it_is));
}

TEST(Gzip, GivesNothingThatIsNotSmaller) {
    EXPECT_LT(gzip(std::string(5000, 'a'))->size(), 100U);
    std::string noise;
    for (unsigned i = 0, state = 1; i < 2000; ++i) {
        state = state * 1664525U + 1013904223U;
        noise += static_cast<char>(state >> 24U);
    }
    EXPECT_EQ(gzip(noise), std::nullopt);
}

}  // namespace
}  // namespace weft::gateway
