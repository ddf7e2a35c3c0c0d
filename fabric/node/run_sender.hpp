#pragma once
// Cuts a batch into runs of neighbours with one topic, signs one tree over them, sends each run as
// one message of three frames. The hot path of a publisher.
// Threads: confined to the sender's thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fabric/node/outgoing_queue.hpp"
#include "fabric/node/tail_schedule.hpp"
#include "fabric/transport/transport.hpp"
#include "signing/batch_signer.hpp"

namespace weft::fabric {

class RunSender {
public:
    static constexpr std::size_t run_bytes_max = std::size_t{256} * 1024;

    /// `signer` null: proofs are empty.
    explicit RunSender(std::unique_ptr<signing::BatchSigner> signer) : signer_(std::move(signer)) {}

    /// From the next batch on. Signing does not begin or end: null only if it was null.
    void use(std::unique_ptr<signing::BatchSigner> signer) { signer_ = std::move(signer); }

    /// Everything in the batch goes out, in order, but what nobody wants.
    void send(OutgoingBatch& batch, OutgoingQueue& queue, PublishPort& port, Instant now);

    /// What all tail beacons of this publisher share.
    struct Speaker {
        std::uint64_t epoch = 0;
        std::string_view source;
        std::uint64_t time_us = 0;
    };
    /// Tail beacons for the topics that went quiet and that somebody wants, at most tails_max,
    /// under one signature. A publisher that does not sign sends none.
    void send_tails(const Speaker& speaker, OutgoingQueue& queue, PublishPort& port, Instant now);
    static constexpr std::size_t tails_max = signing::batch_runs_max;

    struct Counters {
        std::uint64_t sent = 0, runs = 0, signatures = 0, unwanted = 0;
        std::uint64_t tail_beacons = 0;  ///< Not among `sent` and `runs`.
    };
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

private:
    struct Run {
        const OutgoingTopic* topic;
        signing::Kind kind;
        std::size_t begin, end;  // in the batch's bytes
        std::size_t first_digest, messages;
    };
    [[nodiscard]] bool extends_last_run(const OutgoingSlot& slot) const;
    void add(const OutgoingSlot& slot);
    void emit(const OutgoingBatch& batch, PublishPort& port);

    std::unique_ptr<signing::BatchSigner> signer_;
    std::vector<Run> runs_;
    std::vector<signing::Digest> digests_;
    std::vector<signing::RunToSign> to_sign_;
    std::vector<std::string> proofs_;
    TailSchedule schedule_;
    std::vector<TailSchedule::Tail> due_;
    std::vector<std::string> tail_contents_;
    Counters counters_;
};

}  // namespace weft::fabric
