// psub and prep over real sockets: WebSockets by hand, so that ends may be as rude as they are.

#include "tests/unit/gateway/esub/esub_world.hpp"

namespace weft::gateway::esub {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

/// A WebSocket of a client.
class Socket {
public:
    Socket(std::uint16_t port, const std::string& target) : client_(port) {
        client_.send("GET " + target +
                     " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        status = client_.head().status;
    }
    void send(unsigned char opcode, const std::string& payload) {
        std::string frame{static_cast<char>(0x80U | opcode)};
        frame += static_cast<char>(0x80U | payload.size());
        client_.send(frame + std::string(4, '\0') + payload);
    }
    void text(const std::string& payload) { send(1, payload); }
    void pong() { send(10, ""); }
    void say_goodbye() { send(8, std::string("\x03\xE8", 2)); }
    /// "1 hello": opcode and payload; "8 1001" of a close.
    std::string frame() {
        const std::string head = client_.take(2);
        std::size_t length = static_cast<unsigned char>(head[1]) & 127U;
        if (length >= 126) {
            const std::string more = client_.take(length == 126 ? 2 : 8);
            length = 0;
            for (const char byte : more) length = length << 8U | static_cast<unsigned char>(byte);
        }
        std::string payload = client_.take(length);
        const unsigned opcode = static_cast<unsigned char>(head[0]) & 15U;
        if (opcode == 8 && payload.size() >= 2) {
            const unsigned code = static_cast<unsigned char>(payload[0]) * 256U +
                                  static_cast<unsigned char>(payload[1]);
            payload = std::to_string(code);
        }
        return std::to_string(opcode) + " " + payload;
    }
    HttpClient& client() { return client_; }
    unsigned status = 0;

private:
    HttpClient client_;
};

class EsubPsub : public EsubWorld {
protected:
    Socket open(const std::string& target) { return {server_->listeners().front().port, target}; }
    void await_members(int count) {
        const std::string wanted = "esub_psub_connected " + std::to_string(count) + "\n";
        while (ask("/metrics").body.find(wanted) == std::string::npos) {
            testing::look_again_after_ms(2);
        }
    }
    void await_no_key() {
        while (ask("/keys").status != 204) testing::look_again_after_ms(2);
    }
};

TEST_F(EsubPsub, GetsEveryReplyInOrder) {
    serve();
    Socket psub = open("/psub/k");
    ASSERT_EQ(psub.status, 101U);
    EXPECT_EQ(keys(), R"(["k"])");
    HttpClient replier = connect();
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(in_short(replier.ask(post("/rep/k", std::to_string(i)))), "200 OK");
        EXPECT_EQ(psub.frame(), "1 " + std::to_string(i));
    }
}

TEST_F(EsubPsub, BytesThatAreNoTextComeAsBytes) {
    serve();
    Socket psub = open("/psub/k");
    EXPECT_EQ(rep("/rep/k", "\xFF\xFE").status, 200U);
    EXPECT_EQ(psub.frame(), "2 \xFF\xFE");
    EXPECT_EQ(rep("/rep/k", "\xC3\xA4").status, 200U);
    EXPECT_EQ(psub.frame(), "1 \xC3\xA4");
    const std::string large(100'000, 'x');
    EXPECT_EQ(rep("/rep/k", large).status, 200U);
    EXPECT_EQ(psub.frame(), "1 " + large);
}

TEST_F(EsubPsub, ASubOfTheKeyComesFirstUnlessPsubIsAskedFor) {
    serve();
    Socket psub = open("/psub/k");
    HttpClient sub = connect();
    sub.send(get("/sub/k"));
    await_keys(R"(["k","k"])");
    EXPECT_EQ(rep("/rep/k?psub=1", "to psub").status, 200U);
    EXPECT_EQ(psub.frame(), "1 to psub");
    EXPECT_EQ(rep("/rep/k", "to sub").status, 200U);
    EXPECT_EQ(in_short(sub.answer()), "200 to sub");
    EXPECT_EQ(rep("/rep/k", "to psub again").status, 200U);
    EXPECT_EQ(psub.frame(), "1 to psub again");
}

TEST_F(EsubPsub, WithoutAHandshakeItIsRefused) {
    serve();
    EXPECT_EQ(ask("/psub/k").status, 400U);
    EXPECT_EQ(ask("/prep").status, 400U);
    EXPECT_EQ(ask("/keys").status, 204U);
}

// Defect 6: who may not join is told so before the upgrade.
TEST_F(EsubPsub, AMismatchIsRefusedBeforeTheUpgrade) {
    serve();
    Socket psub = open("/psub/k?token=t&shared=1");
    EXPECT_EQ(open("/psub/k?token=u&shared=1").status, 403U);
    EXPECT_EQ(open("/psub/k?token=t").status, 403U);
    EXPECT_EQ(open("/psub/k?token=t&shared=1&timeout=3").status, 101U);
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "403 Invalid token");
    EXPECT_EQ(in_short(rep("/rep/k?token=t", "x")), "200 OK");
}

// Defects 5 and 14: the displaced one is told, and takes nothing with it.
TEST_F(EsubPsub, WhoTakesOverAnExclusiveOneGetsTheReplies) {
    serve();
    Socket first = open("/psub/k");
    Socket second = open("/psub/k?token=t");
    EXPECT_EQ(first.frame(), "8 1001");
    first.client().close();
    await_members(1);
    EXPECT_EQ(in_short(rep("/rep/k?token=t", "x")), "200 OK");
    EXPECT_EQ(second.frame(), "1 x");
}

// Defects 4 and 14.
TEST_F(EsubPsub, AnOrderlyEndHarmsNobody) {
    serve();
    Socket psub = open("/psub/k");
    psub.say_goodbye();
    EXPECT_EQ(psub.frame(), "8 1000");
    await_no_key();
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "404 Unknown key");
    Socket next = open("/psub/k");
    EXPECT_EQ(rep("/rep/k", "x").status, 200U);
    EXPECT_EQ(next.frame(), "1 x");
}

TEST_F(EsubPsub, MembersTakeTurnsAcrossJoinsAndLeaves) {
    serve();
    Socket a = open("/psub/k?shared=1"), b = open("/psub/k?shared=1");
    HttpClient replier = connect();
    const auto say = [&](const std::string& text) {
        EXPECT_EQ(in_short(replier.ask(post("/rep/k", text))), "200 OK");
    };
    for (const char* text : {"1", "2", "3"}) say(text);
    Socket c = open("/psub/k?shared=1");
    for (const char* text : {"4", "5"}) say(text);
    b.say_goodbye();
    await_members(2);
    for (const char* text : {"6", "7"}) say(text);
    for (const char* wanted : {"1 1", "1 3", "1 6"}) EXPECT_EQ(a.frame(), wanted);
    for (const char* wanted : {"1 2", "1 4"}) EXPECT_EQ(b.frame(), wanted);
    for (const char* wanted : {"1 5", "1 7"}) EXPECT_EQ(c.frame(), wanted);
}

// Defects 7 and 8: what a member may have lost goes to the next one, oldest first.
TEST_F(EsubPsub, WhatADeadMemberMayHaveLostGoesToTheNext) {
    serve();
    Socket dead = open("/psub/k?shared=1");
    EXPECT_EQ(rep("/rep/k", "old").status, 200U);
    EXPECT_EQ(rep("/rep/k", "last").status, 200U);
    Socket next = open("/psub/k?shared=1");
    dead.client().reset();
    EXPECT_EQ(next.frame(), "1 last");
    EXPECT_EQ(rep("/rep/k", "new").status, 200U);
    EXPECT_EQ(next.frame(), "1 new");
}

TEST_F(EsubPsub, AReplyToADeadExclusiveOneIsNotTakenForDelivered) {
    serve();
    for (int i = 0; i < 20; ++i) {
        Socket psub = open("/psub/k");
        psub.client().reset();
        EXPECT_EQ(rep("/rep/k", "x").status, 404U);
        await_no_key();
    }
}

// Defect 11: who is silent is dropped, and told so.
TEST_F(EsubPsub, WhoSendsNoPongIsClosed) {
    settings_.ping = milliseconds{300};
    serve();
    Socket silent = open("/psub/k");
    silent.text("data is no pong");
    EXPECT_EQ(silent.frame(), "8 1001");
    silent.client().close();
    await_no_key();
    Socket lively = open("/psub/k");
    for (int i = 0; i < 20; ++i) {
        lively.pong();
        EXPECT_TRUE(lively.client().is_quiet_for(milliseconds{50}));
    }
    EXPECT_EQ(keys(), R"(["k"])");
}

TEST_F(EsubPsub, ReceiptsAreWaitedFor) {
    settings_.confirm = true;
    serve();
    Socket psub = open("/psub/k");
    HttpClient replier = connect();
    replier.send(post("/rep/k", "x"));
    EXPECT_EQ(psub.frame(), "1 x");
    EXPECT_TRUE(replier.is_quiet_for(milliseconds{50}));
    psub.text("ok");
    EXPECT_EQ(in_short(replier.answer()), "200 OK");
}

// Defect 9: what was said before confirms nothing.
TEST_F(EsubPsub, WhatWasSaidBeforeIsNoReceipt) {
    settings_.confirm = true;
    settings_.receipt_time = milliseconds{300};
    serve();
    Socket psub = open("/psub/k");
    psub.text("ok");
    psub.send(9, "ping");
    EXPECT_EQ(psub.frame(), "10 ping");  // Defect 10: pings are answered between replies.
    EXPECT_EQ(in_short(rep("/rep/k", "x")), "404 No listeners remain");
    EXPECT_EQ(psub.frame(), "1 x");
    EXPECT_EQ(psub.frame(), "8 1008");
    await_no_key();
}

// Defects 7 and 10: in receipt mode, too, the next member gets it, and an end is noticed.
TEST_F(EsubPsub, WithoutAReceiptTheNextMemberGetsIt) {
    settings_.confirm = true;
    settings_.receipt_time = milliseconds{300};
    serve();
    Socket mute = open("/psub/k?shared=1"), good = open("/psub/k?shared=1");
    HttpClient replier = connect();
    replier.send(post("/rep/k", "x"));
    EXPECT_EQ(mute.frame(), "1 x");
    EXPECT_EQ(good.frame(), "1 x");
    good.text("ok");
    EXPECT_EQ(in_short(replier.answer()), "200 OK");
    replier.send(post("/rep/k", "y"));
    EXPECT_EQ(good.frame(), "1 y");
    good.say_goodbye();
    EXPECT_EQ(in_short(replier.answer()), "404 No listeners remain");
}

TEST_F(EsubPsub, APrepRepliesAndIsToldInReceiptMode) {
    settings_.confirm = true;
    serve();
    HttpClient sub = waiting_sub("/sub/k?token=t", "k");
    Socket prep = open("/prep");
    prep.text(R"({"key": "nobody", "data": "x"})");
    prep.text(R"({"KEY": "k", "data": "x", "token": null, "more": [1, {"a": 2.5e3}]})");
    prep.send(2, R"({"key": "k", "token": "t", "psub": false, "data": "\u00e4\ud83d\ude00"})");
    EXPECT_EQ(prep.frame(), "1 Unknown key");
    EXPECT_EQ(prep.frame(), "1 Invalid token");
    EXPECT_EQ(prep.frame(), "1 ok");
    EXPECT_EQ(in_short(sub.answer()), "200 \xC3\xA4\xF0\x9F\x98\x80");
}

// Defect 13: a frame that nobody can have holds up none behind it.
TEST_F(EsubPsub, APrepGoesOnAfterWhatWasRefused) {
    serve();
    Socket psub = open("/psub/k");
    Socket prep = open("/prep");
    for (int i = 0; i < 500; ++i) {
        prep.text(R"({"key": "nobody", "data": "x"})");
        prep.text(R"({"key": "k", "data": ")" + std::to_string(i) + "\"}");
    }
    for (int i = 0; i < 500; ++i) ASSERT_EQ(psub.frame(), "1 " + std::to_string(i));
    prep.text("no json");
    EXPECT_EQ(prep.frame(), "8 1007");
}

// Defect 12: joins, leaves and replies of many at once.
TEST_F(EsubPsub, ManyComeAndGoWhileRepliesCome) {
    serve();
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&, i] {
            while (!over) {
                Socket psub = open("/psub/k?shared=1");
                if (i == 0) psub.say_goodbye();
            }
        });
        threads.emplace_back([&] {
            HttpClient replier = connect();
            while (!over) {
                const unsigned status = replier.ask(post("/rep/k", "x")).status;
                EXPECT_TRUE(status == 200 || status == 404) << status;
            }
        });
    }
    for (int i = 0; i < 100; ++i) ASSERT_NE(ask("/metrics").body, "");
    over = true;
    for (std::thread& thread : threads) thread.join();
    await_no_key();
    await_members(0);
}

}  // namespace
}  // namespace weft::gateway::esub
