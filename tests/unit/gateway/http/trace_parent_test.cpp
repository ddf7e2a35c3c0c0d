#include "gateway/http/trace_parent.hpp"

#include <gtest/gtest.h>

namespace weft::gateway {
namespace {

const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceParent, IsTakenAsItIs) {
    EXPECT_EQ(trace_parent(good), good);
    EXPECT_EQ(trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff"),
              "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff");
}

TEST(TraceParent, OfALaterVersionIsWhatTheFirstKnowsOfIt) {
    EXPECT_EQ(trace_parent("cc" + good.substr(2)), good);
    EXPECT_EQ(trace_parent("01" + good.substr(2) + "-what-comes"), good);
    EXPECT_EQ(trace_parent("01" + good.substr(2, 51) + "02"),
              good.substr(0, good.size() - 2) + "00");
    EXPECT_FALSE(trace_parent("01" + good.substr(2) + "what-comes"));
}

TEST(TraceParent, IsNoneIfAnythingIsWrongWithIt) {
    for (const std::string& text :
         {std::string{}, good + "-", good + "0", " " + good, good.substr(0, 54),
          "ff" + good.substr(2), "0G" + good.substr(2),
          std::string{"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"},
          std::string{"00-00000000000000000000000000000000-b7ad6b7169203331-01"},
          std::string{"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"},
          std::string{"00-0af7651916cd43dd8448eb211c80319cb-7ad6b7169203331-01"},
          std::string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n"},
          std::string(55, '\0'), std::string(55, '-')}) {
        EXPECT_FALSE(trace_parent(text)) << text;
    }
}

TEST(TraceParent, IsNotBelievedIfThereAreTwo) {
    Headers headers;
    EXPECT_FALSE(trace_parent(headers));
    headers.add("Traceparent", good);
    EXPECT_EQ(trace_parent(headers), good);
    headers.add("traceparent", good);
    EXPECT_FALSE(trace_parent(headers));
}

TEST(TraceParent, ThatIsMadeIsAValidOne) {
    const std::string made = made_trace_parent("\x01-3456789abcdefg12345678");
    EXPECT_EQ(trace_parent(made), made);
    EXPECT_EQ(made.substr(0, 6), "00-012");
}

}  // namespace
}  // namespace weft::gateway
