#pragma once
// esub behind a real server, and raw clients of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/esub_handler.hpp"
#include "gateway/http/server.hpp"
#include "gateway/late_timers.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace weft::gateway::esub {

using testing::HttpAnswer;
using testing::HttpClient;

class EsubWorld : public ::testing::Test {
protected:
    ~EsubWorld() override {
        if (server_) server_->stop(std::chrono::milliseconds{0});
    }
    void serve(const std::string& prefix = "") {
        settings_.name = "host1";
        settings_.node_ip = "192.0.2.7";
        house_ =
            std::make_shared<House>(House::Parts{settings_, clock_, timers_, elsewhere_.get(), {}});
        handler_ = std::make_shared<EsubHandler>(house_, prefix);
        ServerSettings server;
        server.threads = 2;
        server.limits = limits_;
        server.listeners = {{"127.0.0.1:0", {{prefix.empty() ? "/" : prefix, handler_}}}};
        auto opened = Server::open(std::move(server));
        ASSERT_TRUE(opened) << opened.error();
        server_ = std::move(*opened);
        timers_.use(&server_->timers());
    }
    HttpClient connect() { return HttpClient(server_->listeners().front().port); }

    static std::string get(const std::string& target) {
        return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
    }
    static std::string post(const std::string& target, const std::string& body) {
        return "POST " + target +
               " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
               "\r\n\r\n" + body;
    }
    HttpAnswer ask(const std::string& target) { return connect().ask(get(target)); }
    HttpAnswer rep(const std::string& target, const std::string& body) {
        return connect().ask(post(target, body));
    }
    /// "200 OK"
    static std::string in_short(const HttpAnswer& answer) {
        return std::to_string(answer.status) + " " + answer.body;
    }
    std::string keys() { return ask("/keys").body; }
    void await_keys(const std::string& wanted) {
        while (keys() != wanted) testing::look_again_after_ms(2);
    }
    /// A client that waits for `target`, whose key is `key`.
    HttpClient waiting_sub(const std::string& target, const std::string& key) {
        HttpClient client = connect();
        client.send(get(target));
        await_keys("[\"" + key + "\"]");
        return client;
    }

    Settings settings_;
    Limits limits_;
    fabric::SystemClock clock_;
    LateTimers timers_;
    std::unique_ptr<Elsewhere> elsewhere_;
    std::shared_ptr<House> house_;
    std::shared_ptr<EsubHandler> handler_;
    std::unique_ptr<Server> server_;
};

}  // namespace weft::gateway::esub
