# SPDX-License-Identifier: Apache-2.0
# Compiler settings that every target shares, and the one way a room is declared.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness is what ccache asks for where precompiled headers are used.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(fmt REQUIRED)

add_library(cardgate_settings INTERFACE)
target_compile_options(cardgate_settings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12's own std::stable_sort uses std::get_temporary_buffer.
  target_compile_options(cardgate_settings INTERFACE -Wno-deprecated-declarations)
else()
  # g++ 12 sees overlapping copies and endless lengths in libstdc++'s own strings and vectors when it optimises
  # (GCC bugs 105651, 105329).
  target_compile_options(cardgate_settings INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:-Wno-restrict -Wno-stringop-overread -Wno-stringop-overflow>)
endif()
target_compile_definitions(cardgate_settings INTERFACE
  CARDGATE_VERSION="${PROJECT_VERSION}"
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
target_link_options(cardgate_settings INTERFACE -Wl,-z,relro -Wl,-z,now)
target_include_directories(cardgate_settings INTERFACE ${PROJECT_SOURCE_DIR})
if(CARDGATE_SANITIZE)
  target_compile_options(cardgate_settings INTERFACE
    -fsanitize=${CARDGATE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(cardgate_settings INTERFACE -fsanitize=${CARDGATE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports false positives inside Boost and libstdc++ when a sanitizer is on.
    target_compile_options(cardgate_settings INTERFACE -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-tsan)
  endif()
endif()

# cardgate_room(NAME sources... ): a static library NAME in namespace cardgate.
function(cardgate_room name)
  add_library(cardgate_${name} STATIC ${ARGN})
  target_link_libraries(cardgate_${name} PUBLIC cardgate_settings Boost::headers)
endfunction()
