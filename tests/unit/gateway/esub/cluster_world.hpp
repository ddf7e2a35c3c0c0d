#pragma once
// Gateways of esub on the in-process transport: `a` is the one under test, others say what the test
// has them say. Threads: one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "fabric/message/body.hpp"
#include "gateway/esub/cluster/announcement.hpp"
#include "gateway/esub/cluster/membership.hpp"
#include "tests/unit/reliability/reliable_world.hpp"

namespace weft::gateway::esub {

class ClusterWorld : public reliability::ReliableWorld {
protected:
    ClusterWorld() {
        for (const char* name : {"a", "b", "git"}) issue(name);
        settings_.cluster_token = "shared-by-all";
    }

    static OpenKey open_key(const std::string& key, std::uint64_t sid, std::uint64_t stamp = 1) {
        OpenKey open;
        open.key = key;
        open.sid = sid;
        open.stamp_us = stamp;
        return open;
    }
    static Announcement delta(std::uint64_t epoch, std::uint64_t seq, std::vector<OpenKey> open) {
        Announcement said;
        said.type = Announcement::Type::delta;
        said.epoch = epoch;
        said.seq = seq;
        said.address = "10.0.0.2:8090";
        said.open = std::move(open);
        return said;
    }
    /// On the topic of `node`, signed by whoever `party` is.
    static void say(const reliability::Party& party, const std::string& node,
                    const fabric::Value& what) {
        const fabric::Body body(what);
        const auto sent =
            party.fabric->publisher().try_publish("org.weft.dev.gateway.esub." + node, body.view());
        ASSERT_TRUE(sent) << sent.error().sentence;
    }

    ClusterSettings settings_;
};

}  // namespace weft::gateway::esub
