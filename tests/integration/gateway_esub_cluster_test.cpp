// Two real gateways on one relay: a reply at either reaches who waits at the other, or is refused
// with the right words; and a gateway that dies takes no false success with it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;

class GatewayEsubCluster : public ::testing::Test {
protected:
    struct Node {
        std::optional<Process> process;
        std::uint16_t port = 0;
    };

    GatewayEsubCluster() : fabric_("gateway.host1") {
        const Finished issued =
            fabric_.weft({"keys", "issue", "gateway.host2", "--publish", "**", "--role", "publish",
                          "--role", "ack", "--role", "journal"});
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
        fabric_.configure(
            "gateway: { listeners: [ { address: '127.0.0.1:0', serve: [esub] } ],\n"
            "           esub: { cluster_token: shared-by-all } }");
    }

    void start(std::size_t which) {
        const std::string number = std::to_string(which + 1);
        Node& node = nodes_[which];
        node.process = fabric_.start(
            {"gateway", "--set", "name=gateway.host" + number, "--set",
             "reliability.journal.path=var/journal" + number, "--set",
             "reliability.journal.listen=tcp://127.0.0.1:" + std::to_string(free_port()), "--set",
             "fabric.replay.state=var/replay" + number});
        const std::string line = node.process->wait_for_line(Stream::out, "listening esub ");
        node.port = static_cast<std::uint16_t>(std::stoul(line.substr(line.rfind(':') + 1)));
        node.process->wait_for_line(Stream::out, "ready");
    }
    void start_both() {
        start(0);
        start(1);
        for (std::size_t which : {0U, 1U}) await_members(which, 2);
    }

    HttpAnswer ask(std::size_t which, const std::string& head, const std::string& body = "") {
        HttpClient client(nodes_[which].port);
        client.send(head + " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
        return client.answer(head.starts_with("HEAD"));
    }
    HttpAnswer rep(std::size_t which, const std::string& target, const std::string& body) {
        return ask(which, "POST /rep/" + target, body);
    }
    HttpClient sub(std::size_t which, const std::string& target) {
        HttpClient client(nodes_[which].port);
        client.send("GET /sub/" + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
        return client;
    }
    /// Of whom it is known where they are: that is heard a moment after that they are.
    std::size_t alive(std::size_t which) {
        const json members = json::parse(ask(which, "GET /members?token=shared-by-all").body);
        std::size_t count = 0;
        for (const json& member : members["members"]) {
            count += member["alive"] == true && member["addr"] != "" ? 1 : 0;
        }
        return count;
    }
    void await_members(std::size_t which, std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (alive(which) != count) {
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("the gateways do not know each other");
            }
            look_again_after_ms(20);
        }
    }
    /// Until the gateway knows that somebody waits for the key.
    void await_key(std::size_t which, const std::string& key) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (ask(which, "HEAD /sub/" + key).status != 200) {
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error(key + " is not known");
            }
            look_again_after_ms(2);
        }
    }
    void await_psub(std::size_t which, const std::string& target) {
        while (ask(which, "HEAD /psub/" + target).status != 200) look_again_after_ms(2);
    }
    static std::string in_short(const HttpAnswer& answer) {
        return std::to_string(answer.status) + " " + answer.body;
    }

    Fabric fabric_;
    Process relay_ = fabric_.relay();
    std::array<Node, 2> nodes_;
};

TEST_F(GatewayEsubCluster, AThousandRepsAtTheWrongGatewayAreAllDeliveredOrRefusedRightly) {
    start_both();
    constexpr int threads = 8, each = 125;
    std::mutex mutex;
    std::map<std::string, int> seen;
    const auto count = [&](const std::string& what) {
        const std::scoped_lock lock(mutex);
        ++seen[what];
    };
    const auto pair = [&](int number) {
        const std::size_t owner = number % 2, other = 1 - owner;
        const std::string key = "k" + std::to_string(number), body = "body of " + key;
        const bool has_token = number % 5 == 0;
        const std::string target = key + (has_token ? "?token=t" : "");
        HttpClient waiting = sub(owner, target);
        await_key(other, target);
        if (has_token) count("wrong " + in_short(rep(other, key + "?token=u", "no")));
        count("rep " + in_short(rep(other, target, body)));
        const HttpAnswer got = waiting.answer();
        count(got.status == 200 && got.body == body ? "body" : "other " + in_short(got));
        count("again " + in_short(rep(owner, target, "twice")));
    };
    std::vector<std::jthread> all;
    for (int thread = 0; thread < threads; ++thread) {
        all.emplace_back([&, thread] {
            try {
                for (int i = 0; i < each; ++i) pair(thread * each + i);
            } catch (const std::exception& error) {
                count(error.what());
            }
        });
    }
    all.clear();
    EXPECT_EQ(seen, (std::map<std::string, int>{{"again 404 Unknown key", 1000},
                                                {"body", 1000},
                                                {"rep 200 OK", 1000},
                                                {"wrong 403 Invalid token", 200}}));
}

TEST_F(GatewayEsubCluster, KillOneUnderLoadAndNoRepIsAnswered200WithoutItsBodyDelivered) {
    start_both();
    constexpr int threads = 6;
    std::atomic<bool> stop{false};
    std::atomic<int> delivered{0}, false_success{0}, not_delivered{0};
    std::vector<std::jthread> all;
    for (int thread = 0; thread < threads; ++thread) {
        all.emplace_back([&, thread] {
            for (int i = 0; !stop; ++i) {
                const std::string key = std::to_string(thread) + "-" + std::to_string(i);
                std::optional<HttpClient> waiting;
                try {
                    waiting.emplace(sub(0, key));
                } catch (const std::exception&) {
                    return;  // It is dead.
                }
                unsigned status = 404;
                // Until it is known there, or will never be.
                for (int tries = 0; status == 404 && tries < 300 && !stop; ++tries) {
                    status = rep(1, key, "b" + key).status;
                    if (status == 404) look_again_after_ms(2);
                }
                if (status != 200) {
                    ++not_delivered;
                    continue;
                }
                try {
                    ++(waiting->answer().body == "b" + key ? delivered : false_success);
                } catch (const std::exception&) {
                    ++false_success;
                }
            }
        });
    }
    while (delivered < 60) look_again_after_ms(5);
    nodes_[0].process->signal(SIGKILL);
    await_members(1, 1);
    stop = true;
    all.clear();
    EXPECT_EQ(false_success, 0) << delivered << " delivered, " << not_delivered << " not";
    EXPECT_GE(delivered, 60);
    EXPECT_EQ(ask(1, "GET /keys").status, 204U);
    EXPECT_EQ(in_short(rep(1, "0-0", "x")), "404 Unknown key");

    // Its next life is known again, and has no keys of the former one.
    start(0);
    await_members(1, 2);
    HttpClient waiting = sub(0, "new");
    await_key(1, "new");
    EXPECT_EQ(in_short(rep(1, "new", "life")), "200 OK");
    EXPECT_EQ(waiting.answer().body, "life");
}

TEST_F(GatewayEsubCluster, ASubElsewhereTakesOverWithTheRightTokenAlone) {
    start_both();
    HttpClient first = sub(0, "k?token=t");
    await_key(1, "k?token=t");
    HttpClient wrong = sub(1, "k?token=u");
    EXPECT_EQ(in_short(wrong.answer()), "403 Sub already exists, token mismatch");
    HttpClient second = sub(1, "k?token=t");
    EXPECT_EQ(in_short(first.answer()), "500 Failed to fullfil sub: context canceled");
    while (ask(0, "GET /keys").body != R"({"gateway.host2":["k"]})") look_again_after_ms(2);
    EXPECT_EQ(in_short(rep(0, "k?token=t", "to the second")), "200 OK");
    EXPECT_EQ(second.answer().body, "to the second");
}

TEST_F(GatewayEsubCluster, TellsWhoIsThereAndWhereAKeyIs) {
    fabric_.configure("gateway: { esub: { wrong_node: redirect } }");
    start_both();
    EXPECT_EQ(ask(0, "GET /members").status, 403U);
    EXPECT_EQ(ask(0, "GET /keys").status, 204U);
    HttpClient waiting = sub(0, "a%20b");
    await_key(1, "a%20b");
    const std::string place = "http://127.0.0.1:" + std::to_string(nodes_[0].port);
    HttpAnswer found = ask(1, "HEAD /rep/a%20b");
    EXPECT_EQ(found.headers["location"], place + "/rep/a%20b");
    EXPECT_EQ(ask(1, "HEAD /rep/a%20b?token=x").status, 403U);
    EXPECT_EQ(ask(1, "HEAD /psub/a%20b").status, 404U);
    HttpAnswer moved = rep(1, "a%20b", "x");
    EXPECT_EQ(moved.status, 307U);
    EXPECT_EQ(moved.headers["location"], place + "/rep/a%20b");
    EXPECT_EQ(in_short(rep(0, "a%20b", "x")), "200 OK");
    EXPECT_EQ(waiting.answer().body, "x");

    const std::string token = "?token=shared-by-all";
    EXPECT_EQ(ask(0, "POST /join" + token + "&node=out&addr=h:1").status, 200U);
    EXPECT_EQ(ask(0, "POST /join" + token + "&node=gateway.host2&addr=h:1").status, 409U);
    EXPECT_EQ(in_short(ask(
                  0, "POST /announce" + token,
                  R"({"node":"out","epoch":1,"seq":1,"open":[{"key":"o","kind":"sub","sid":1}]})")),
              "200 {\"seq\":1}");
    EXPECT_THAT(ask(0, "GET /keys").body, HasSubstr(R"("out":["o"])"));
    EXPECT_EQ(in_short(ask(0, "POST /announce" + token,
                           R"({"node":"out","epoch":1,"seq":3,"done":[1]})")),
              "409 {\"expected\":2}");
    EXPECT_EQ(in_short(ask(0, "POST /announce" + token,
                           R"({"node":"out","epoch":1,"seq":3,"open":[],"full":true})")),
              "200 {\"seq\":3}");
    EXPECT_EQ(ask(0, "GET /keys").status, 204U);
    EXPECT_EQ(
        ask(0, "POST /announce" + token, R"({"node":"gateway.host2","epoch":9,"seq":1})").status,
        409U);
}

/// A psub; its frames are short ones.
class Psub {
public:
    Psub(std::uint16_t port, const std::string& target) : client_(port) {
        client_.send("GET /psub/" + target +
                     " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        status = client_.head().status;
    }
    /// Opcode and payload; of a close its code in two bytes, and why.
    std::pair<int, std::string> frame() {
        const std::string head = client_.take(2);
        return {static_cast<unsigned char>(head[0]) & 15,
                client_.take(static_cast<std::size_t>(static_cast<unsigned char>(head[1])))};
    }
    bool is_quiet() { return client_.is_quiet_for(std::chrono::milliseconds{20}); }
    unsigned status = 0;

private:
    HttpClient client_;
};

TEST_F(GatewayEsubCluster, ASharedPsubSpansGatewaysAndEachMemberHasItsShare) {
    start_both();
    std::vector<Psub> members;
    members.emplace_back(nodes_[0].port, "p?shared=1");
    members.emplace_back(nodes_[1].port, "p?shared=1");
    members.emplace_back(nodes_[1].port, "p?shared=1");
    for (Psub& member : members) ASSERT_EQ(member.status, 101U);
    const auto keys = [&](std::size_t which) {
        const json all = json::parse(ask(which, "GET /members?token=shared-by-all").body);
        std::size_t count = 0;
        for (const json& member : all["members"]) count += member["keys"].get<std::size_t>();
        return count;
    };
    for (std::size_t which : {0U, 1U}) {
        while (keys(which) != 3) look_again_after_ms(2);
    }
    constexpr std::size_t reps = 60;
    for (std::size_t i = 0; i < reps; ++i) {
        EXPECT_EQ(in_short(rep(i % 2, "p?psub=1", std::to_string(i))), "200 OK");
    }
    std::size_t total = 0;
    for (Psub& member : members) {
        std::size_t share = 0;
        for (; !member.is_quiet(); ++share) EXPECT_EQ(member.frame().first, 1);
        EXPECT_GE(share, reps / 3 / 2);
        total += share;
    }
    EXPECT_EQ(total, reps);
}

TEST_F(GatewayEsubCluster, AnExclusivePsubElsewhereTakesOverAndMismatchesAreRefused) {
    start_both();
    Psub first(nodes_[0].port, "p?token=t");
    await_psub(1, "p?token=t");
    EXPECT_EQ(Psub(nodes_[1].port, "p?token=u").status, 403U);
    EXPECT_EQ(Psub(nodes_[1].port, "p?token=t&shared=1").status, 403U);
    Psub second(nodes_[1].port, "p?token=t");
    EXPECT_EQ(second.status, 101U);
    const auto [opcode, reason] = first.frame();
    EXPECT_EQ(opcode, 8);
    EXPECT_THAT(reason, HasSubstr("\x03\xE9"));  // 1001
    while (ask(0, "GET /keys").body != R"({"gateway.host2":["p"]})") look_again_after_ms(2);
    EXPECT_EQ(in_short(rep(0, "p?token=t", "hello")), "200 OK");
    EXPECT_EQ(second.frame(), (std::pair<int, std::string>{1, "hello"}));
}

TEST_F(GatewayEsubCluster, WhatNobodyWaitedForIsKeptAndConsumedAtEitherGateway) {
    fabric_.configure("gateway: { esub: { keep_unclaimed: 10m } }");
    start_both();
    for (const char* body : {"one", "two"}) {
        HttpAnswer kept = rep(0, "k?token=t", body);
        EXPECT_EQ(in_short(kept), "404 Unknown key");
        EXPECT_THAT(kept.headers, Contains(Key("esub-stored")));
    }
    HttpAnswer first;
    do {
        first = ask(1, "GET /rsub/k?token=t");
    } while (first.status != 200 || first.headers["esub-remaining"] != "1");
    EXPECT_EQ(first.body, "one");
    EXPECT_EQ(ask(1, "GET /rsub/k?token=t&after=" + first.headers["esub-seq"]).body, "two");
    EXPECT_EQ(ask(1, "GET /rsub/k?token=u").status, 403U);
    EXPECT_EQ(ask(1, "GET /rsub/other").status, 404U);
    EXPECT_EQ(ask(1, "GET /rsub/k?token=t&after=x").status, 400U);
    const json all = json::parse(ask(0, "GET /rsub/k?token=t&all=1").body);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0]["data"], "b25l");
    EXPECT_EQ(all[0]["delivered"], false);

    EXPECT_EQ(ask(0, "GET /rsub/k?token=t&consume=1").body, "one");
    while (ask(1, "GET /rsub/k?token=t").body != "two") look_again_after_ms(5);
    while (ask(0, "GET /rsub/k?token=t").body != "two") look_again_after_ms(5);
    // Kept is not delivered: a later sub does not get it.
    HttpClient later = sub(0, "k?token=t");
    EXPECT_TRUE(later.is_quiet_for(std::chrono::milliseconds{100}));
}

}  // namespace
}  // namespace weft::testing
