// Receivers over TLS: believed by the CA of the settings alone, and by their name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>

#include "gateway/delivery/curl_sender.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/gateway/http/server_fixture.hpp"

namespace weft::gateway::delivery {
namespace {

using ::testing::HasSubstr;

/// A key and a self-signed certificate of this name, as PEM files.
void write_certificate(const std::filesystem::path& directory, const std::string& name) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_sign(certificate, key, EVP_sha256());
    std::FILE* file = std::fopen((directory / "cert.pem").c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    file = std::fopen((directory / "key.pem").c_str(), "w");
    PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

class CurlSenderTls : public ::testing::Test {
protected:
    [[nodiscard]] SendResult send(const std::string& name, bool with_ca) {
        write_certificate(directory_.path(), name);
        handler_ = std::make_shared<ScriptedHandler>([](std::shared_ptr<Exchange> exchange) {
            exchange->answer(Response::of(200, "text/plain", "hello"));
        });
        ServerSettings server;
        ListenerSettings listener;
        listener.mounts.push_back({"", handler_});
        server.listeners.push_back(std::move(listener));
        server.tls.certificate = directory_.path() / "cert.pem";
        server.tls.key = directory_.path() / "key.pem";
        server.threads = 1;
        const auto opened = Server::open(std::move(server)).value();
        Settings settings;
        settings.timeout = std::chrono::milliseconds{5000};
        if (with_ca) settings.ca = directory_.path() / "cert.pem";
        const auto sender =
            CurlSender::open(settings, AddressGuard::make(false, {"127.0.0.0/8", "::1"}).value())
                .value();
        support::Answer<SendResult> answer;
        sender->send(
            {"https://localhost:" + std::to_string(opened->listeners().at(0).port) + "/", {}, "x"},
            [&](SendResult result) { answer.give(std::move(result)); });
        return answer.take().value();
    }

    testing::TempDir directory_;
    std::shared_ptr<ScriptedHandler> handler_;
};

TEST_F(CurlSenderTls, SpeaksWithAReceiverThatTheCaVouchesFor) {
    const SendResult result = send("localhost", true);
    EXPECT_EQ(result.status, 200) << result.error;
    EXPECT_EQ(result.answer_begin, "hello");
}

TEST_F(CurlSenderTls, SendsNothingToOneThatNobodyVouchesFor) {
    const SendResult result = send("localhost", false);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.error, HasSubstr("certificate"));
    EXPECT_EQ(handler_->handled, 0);
}

TEST_F(CurlSenderTls, SendsNothingToOneOfAnotherName) {
    const SendResult result = send("other.example", true);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.error, HasSubstr("does not match"));
    EXPECT_EQ(handler_->handled, 0);
}

}  // namespace
}  // namespace weft::gateway::delivery
