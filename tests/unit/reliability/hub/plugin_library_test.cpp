#include "reliability/hub/plugin_library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace weft::reliability::hub {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::filesystem::path made(const std::string& name) {
    return std::filesystem::path{WEFT_TEST_PLUGINS} / (name + ".so");
}

std::string error_of(const std::filesystem::path& file) {
    const auto library = PluginLibrary::load(file);
    return library ? "it was loaded" : library.error();
}

TEST(PluginLibrary, LoadsAPluginAndMakesItsConsumer) {
    const auto library = PluginLibrary::load(made("scripted_plugin"));
    ASSERT_TRUE(library) << library.error();
    EXPECT_EQ(library->file(), made("scripted_plugin"));

    plugin::Consumer* const one = library->create();
    plugin::Consumer* const other = library->create();

    EXPECT_NE(one, nullptr);
    EXPECT_NE(one, other);
    library->destroy(one);
    library->destroy(other);
}

TEST(PluginLibrary, SaysThatAFileIsMissing) {
    EXPECT_THAT(error_of("/nowhere/counter.so"),
                AllOf(HasSubstr("there is no file '/nowhere/counter.so'"),
                      HasSubstr("relative to the configuration's directory")));
}

TEST(PluginLibrary, SaysThatADirectoryIsNoFile) {
    EXPECT_THAT(error_of("/tmp"), HasSubstr("'/tmp' is no file"));
}

TEST(PluginLibrary, ShowsTheLoadersWordsForWhatIsNoSharedLibrary) {
    const weft::testing::TempDir dir;
    const auto text = dir / "counter.so";
    weft::testing::write_text(text, "print('I am a script')\n");

    EXPECT_THAT(error_of(text), AllOf(HasSubstr("is no shared library that can be loaded here"),
                                      HasSubstr("too short"), HasSubstr("-shared -fPIC")));
}

TEST(PluginLibrary, TellsHowALibraryBecomesAPlugin) {
    EXPECT_THAT(error_of(made("odd_symbol")),
                AllOf(HasSubstr("is no plugin: it has no symbol weft_consumer_plugin"),
                      HasSubstr("put WEFT_CONSUMER_PLUGIN(YourClass)")));
}

TEST(PluginLibrary, NamesTheSymbolThatNobodyHas) {
    EXPECT_THAT(error_of(made("odd_undefined")),
                AllOf(HasSubstr("weft_somebody_else_has_this"), HasSubstr("link the library")));
}

TEST(PluginLibrary, RefusesAnotherInterfaceBeforeItReadsTheRest) {
    EXPECT_THAT(error_of(made("odd_interface")),
                HasSubstr("was built for interface 2, this hub has 1: rebuild it against weft's "
                          "reliability/hub/plugin.hpp of this version"));
}

TEST(PluginLibrary, PrintsBothToolchainsWhereTheyDiffer) {
    EXPECT_THAT(error_of(made("odd_toolchain")),
                AllOf(HasSubstr("was built with C++ ABI 7, this hub with "),
                      HasSubstr(plugin::toolchain()), HasSubstr("rebuild it with")));
}

TEST(PluginLibrary, RefusesADescriptionOfUnknownSize) {
    EXPECT_THAT(error_of(made("odd_size")),
                AllOf(HasSubstr("describes itself in 96 bytes"), HasSubstr("rebuild it")));
}

TEST(PluginLibrary, RefusesADescriptionThatIsNotWhole) {
    EXPECT_THAT(error_of(made("odd_functions")), HasSubstr("a description without functions"));
    EXPECT_THAT(error_of(made("odd_null")), HasSubstr("gives no description of itself"));
}

TEST(PluginLibrary, KnowsItsOwnDescription) {
    const plugin::Description description{
        sizeof(plugin::Description), plugin::interface_version, plugin::toolchain(),
        []() -> plugin::Consumer* { return nullptr; }, [](plugin::Consumer*) {}};

    EXPECT_EQ(description_error(description), "");
}

}  // namespace
}  // namespace weft::reliability::hub
