# SPDX-License-Identifier: GPL-2.0-only
# Every test, for ctest. Labels: unit, style; verdict: what an execution shows; determinism: that it shows the same
# again; golden: hashes and digests as committed, which a patch to the replica may move (scripts/golden).
find_library(CMOCKA_LIBRARY cmocka REQUIRED)

# ---- what the runtimes are told --------------------------------------------------------------------
set(test_environment "NO_COLOR=1")
if(CMAKE_C_FLAGS MATCHES "-fsanitize=[a-z,]*address")
  list(APPEND test_environment "ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1")
endif()
if(CMAKE_C_FLAGS MATCHES "-fsanitize=[a-z,]*undefined")
  list(APPEND test_environment "UBSAN_OPTIONS=print_stacktrace=1")
endif()
if(CMAKE_C_FLAGS MATCHES "-fprofile-instr-generate")
  list(APPEND test_environment "LLVM_PROFILE_FILE=${CMAKE_BINARY_DIR}/profiles/%p-%m.profraw")
endif()
# The replica has no races, so one ends the run. Unit tests make them on purpose, with options of their own compiled in.
# Nothing is to be waited for at exit: no thread of ours goes on there.
set(tsan_common "atexit_sleep_ms=0:report_signal_unsafe=0:second_deadlock_stack=1")

# foliofuzz_test(NAME [TSAN option] LABELS ... COMMAND ...)
function(foliofuzz_test name)
  cmake_parse_arguments(arg "" "TSAN" "LABELS;COMMAND" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set(environment ${test_environment})
  if(NOT DEFINED arg_TSAN)
    set(arg_TSAN "halt_on_error=1")
  endif()
  if(CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
    list(APPEND environment "TSAN_OPTIONS=${tsan_common}:${arg_TSAN}")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" ENVIRONMENT "${environment}" TIMEOUT 300)
endfunction()

# ---- unit tests, beside the code -------------------------------------------------------------------
# What a folder's tests are linked with, where it is not its own layer alone. Replica, operations and oracles are
# tested as a whole, through sim/run.
set(libraries_of_sim/base base)
set(libraries_of_sim/bugs bugs)
set(libraries_of_sim/prog prog)
set(libraries_of_sim/engine kernel kernel_list explore)
set(libraries_of_sim/kernel kernel kernel_list explore)
set(libraries_of_sim/explore kernel kernel_list explore)
file(GLOB_RECURSE unit_tests CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} sim/*_test.c fuzz/*_test.c)
foreach(source IN LISTS unit_tests)
  get_filename_component(folder ${source} DIRECTORY)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_compile_options(${name} PRIVATE ${warnings})
  if(DEFINED libraries_of_${folder})
    target_link_libraries(${name} PRIVATE ${libraries_of_${folder}} ${CMOCKA_LIBRARY})
  else()
    target_link_libraries(${name} PRIVATE report ${CMOCKA_LIBRARY})
  endif()
  foliofuzz_test(unit/${folder}/${name} TSAN halt_on_error=0 LABELS unit COMMAND ${name})
endforeach()

target_compile_options(survive_test PRIVATE ${uninstrumented}) # it has the scheduling point in it
target_sources(mutators_test PRIVATE fuzz/mutators/mutate.c fuzz/mutators/reverse.c fuzz/targets/world.c)

# ---- the searches against each other ---------------------------------------------------------------
file(GLOB litmus CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/litmus/*.prog)
list(FILTER litmus EXCLUDE REGEX "/partial-unmap-vs-memory-failure\\.prog$") # of the replica, and too long
# Of the programs of two CPUs, put-vs-put, write-vs-put and truncate-vs-truncate are short enough for all their schedules to be run.
set(small seeds/put-vs-put seeds/write-vs-put seeds/truncate-vs-truncate seeds/split-pmd-vs-munmap seeds/fault-mthp-vs-drain seeds/underused-pinned
  seeds/memory-failure-vs-read)
list(TRANSFORM small REPLACE "(.+)" "corpus/\\1.prog")
set(less_small seeds/madv-cold-vs-lazyfree-write seeds/memory-failure-twice seeds/numa-scan-vs-dontneed)
list(TRANSFORM less_small REPLACE "(.+)" "corpus/\\1.prog")
foliofuzz_test(search/litmus LABELS verdict COMMAND search_test sets ${litmus})
foliofuzz_test(search/replica LABELS verdict COMMAND search_test sets ${small})
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize|coverage")
  foliofuzz_test(search/larger LABELS verdict COMMAND search_test sets ${less_small})
endif()
foliofuzz_test(search/resumed TSAN report_bugs=0 LABELS verdict COMMAND fuzz/cli/explore_test.sh $<TARGET_FILE:foliofuzz>)
foliofuzz_test(golden/executions LABELS golden COMMAND scripts/golden --compare executions $<TARGET_FILE:foliofuzz>)

foliofuzz_test(style/layers LABELS style COMMAND scripts/layers)
foliofuzz_test(unit/scripts/people TSAN report_bugs=0 LABELS unit COMMAND scripts/people_test.sh $<TARGET_FILE:foliofuzz>)
foliofuzz_test(style/drift LABELS style COMMAND scripts/drift_test.sh)
foliofuzz_test(unit/fuzz/cli TSAN report_bugs=0 LABELS unit
  COMMAND fuzz/cli/cli_test.sh $<TARGET_FILE:foliofuzz> .)
foliofuzz_test(unit/fuzz/bad-input TSAN report_bugs=0 LABELS unit
  COMMAND fuzz/cli/bad_input_test.sh $<TARGET_FILE:foliofuzz> .)
foliofuzz_test(unit/fuzz/campaign TSAN report_bugs=0 LABELS unit
  COMMAND fuzz/cli/campaign_test.sh $<TARGET_FILE:foliofuzz> .)
set_tests_properties(unit/fuzz/campaign PROPERTIES TIMEOUT 900) # it waits for the disk
if(TARGET foliofuzz-free)
  foliofuzz_test(unit/fuzz/free TSAN halt_on_error=0 LABELS unit
    COMMAND fuzz/free/free_test.sh $<TARGET_FILE:foliofuzz> .)
endif()
foliofuzz_test(unit/fuzz/triage TSAN report_bugs=0 LABELS unit
  COMMAND fuzz/cli/triage_test.sh $<TARGET_FILE:foliofuzz> .)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize|coverage")
  foliofuzz_test(bugs/titles LABELS verdict COMMAND scripts/triage-check --finds 10 --runs 3000 $<TARGET_FILE:foliofuzz>
    anon-rmap-before-reference free-uncharge-before-unqueue migrate-unqueue-with-references split-flag-only-if-linked
    split-index-mapping-after-unfreeze split-reads-poison-for-zeropage split-unqueue-without-lock swapout-uncharge-while-queued
    zap-put-before-counter zone-device-free-keeps-nr-anon)
  foliofuzz_test(unit/fuzz/trace LABELS unit COMMAND fuzz/report/trace_test.sh $<TARGET_FILE:foliofuzz> .)
endif()

# ---- behind a setup that is put back, every execution is the one behind a setup that ran ------------
foreach(folder seeds litmus)
  file(GLOB behind CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/${folder}/*.prog)
  foliofuzz_test(snapshot/${folder} LABELS verdict determinism COMMAND snapshot_test ${behind})
endforeach()
file(GLOB behind CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/bugs/*/min.prog)
foliofuzz_test(snapshot/bugs LABELS verdict determinism COMMAND snapshot_test ${behind})

# ---- the fuzz targets: with an engine a short run of it, else the corpus once -----------------------
if(NOT LIB_FUZZING_ENGINE)
  set(target_runs 0)
elseif(LIB_FUZZING_ENGINE MATCHES "-fsanitize=fuzzer")
  set(target_runs 5000)
endif()
if(DEFINED target_runs)
  foreach(target decode_fuzzer parse_fuzzer program_fuzzer schedule_fuzzer sequential_fuzzer)
    set(label unit)
    if(target MATCHES "program|schedule|sequential")
      set(label verdict)
    endif()
    foliofuzz_test(target/${target} LABELS ${label}
      COMMAND fuzz/targets/target_test.sh $<TARGET_FILE:fuzz_seeds> $<TARGET_FILE:${target}> ${target_runs})
  endforeach()
endif()

# Of engines that instrument by flags.
if(LIB_FUZZING_ENGINE AND CMAKE_C_FLAGS MATCHES "fuzzer-no-link")
  foliofuzz_test(target/instrumented LABELS style COMMAND fuzz/targets/instrumented_test.sh ${CMAKE_BINARY_DIR})
endif()

# ---- programs of the corpus, and random ones -------------------------------------------------------
file(GLOB_RECURSE programs CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/*.prog)
list(FILTER programs EXCLUDE REGEX "^corpus/bugs/.*/free\\.prog$") # a search, not a replay: below
list(FILTER programs EXCLUDE REGEX "^corpus/coverage/") # all at once: below
foreach(program IN LISTS programs)
  string(REGEX REPLACE "\\.prog$" "" name ${program})
  set(tsan halt_on_error=1)
  if(name MATCHES "^corpus/litmus/" AND NOT name MATCHES "memory-failure$") # on the bare engine, without the kernel's locks: they race
    set(tsan report_bugs=0)
  endif()
  foliofuzz_test(${name} TSAN ${tsan} LABELS verdict determinism
    COMMAND sim/run/program_test.sh $<TARGET_FILE:foliofuzz> ${program})
endforeach()
foliofuzz_test(corpus/coverage LABELS verdict determinism
  COMMAND sim/run/coverage_test.sh $<TARGET_FILE:foliofuzz>)
foliofuzz_test(random/clean LABELS verdict
  COMMAND foliofuzz run --runs 100000 --seed 1 --out ${CMAKE_BINARY_DIR}/finds)
foliofuzz_test(random/again LABELS determinism
  COMMAND sim/run/digest_test.sh $<TARGET_FILE:foliofuzz>)
file(GLOB accepted CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/seeds/accepted-*.prog)
foliofuzz_test(random/accepted-races LABELS verdict
  COMMAND scripts/accepted-races $<TARGET_FILE:foliofuzz> 16000 20 ${accepted})
foliofuzz_test(golden/hashes LABELS golden COMMAND scripts/golden --compare hashes $<TARGET_FILE:foliofuzz>)
foliofuzz_test(golden/readme LABELS golden COMMAND scripts/golden --compare readme $<TARGET_FILE:foliofuzz>)
foliofuzz_test(golden/digest LABELS golden COMMAND scripts/golden --compare digest $<TARGET_FILE:foliofuzz>)

if(CMAKE_C_FLAGS MATCHES "-fsanitize=thread")
  foliofuzz_test(tsan/planted-race TSAN halt_on_error=0 LABELS verdict COMMAND sim/run/tsan_test.sh $<TARGET_FILE:foliofuzz>)
endif()

# ---- each bug of the catalogue: found when it is on, and only then ---------------------------------
file(GLOB bug_folders CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} corpus/bugs/*)
list(FILTER bug_folders EXCLUDE REGEX "\\.[a-z]+$") # README.md and the tables beside the folders
foreach(folder IN LISTS bug_folders)
  foliofuzz_test(${folder} LABELS verdict COMMAND scripts/bugs-check $<TARGET_FILE:foliofuzz> ${folder})
endforeach()
foliofuzz_test(bugs/pairs TSAN report_bugs=0 LABELS verdict COMMAND foliofuzz bugs pairs)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT CMAKE_C_FLAGS MATCHES "-fsanitize|coverage") # long, and counted in executions
  foliofuzz_test(golden/minimise LABELS golden COMMAND foliofuzz bugs minimise --jobs 2)
  foliofuzz_test(bugs/explore LABELS verdict COMMAND scripts/bugs-explore --verdicts 5000 --foliofuzz $<TARGET_FILE:foliofuzz>)
  foliofuzz_test(golden/explore LABELS golden COMMAND scripts/bugs-explore --check 5000 --foliofuzz $<TARGET_FILE:foliofuzz>)
endif()
foliofuzz_test(bugs/readme LABELS verdict COMMAND scripts/bugs-check --readme $<TARGET_FILE:foliofuzz>)
foliofuzz_test(golden/traces LABELS golden COMMAND scripts/bugs-check --traces $<TARGET_FILE:foliofuzz> ${bug_folders})

# ---- strategies: none needs three times the executions that it needed ---------------------------------
# A sanitizer changes no number of executions, only the time they take.
if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize|-fprofile" AND NOT LIB_FUZZING_ENGINE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  foliofuzz_test(bench/detect LABELS verdict COMMAND foliofuzz bench detect --quick --jobs 2)
endif()

# The long ones first, so that none is left for one CPU in the end; seconds, roughly.
foreach(long golden/minimise=45 bench/detect=30 bugs/titles=30 unit/fuzz/campaign=25 unit/fuzz/free=20 snapshot/seeds=20 snapshot/bugs=12
  golden/executions=10 search/larger=10)
  string(REPLACE "=" ";" long ${long})
  list(GET long 0 name)
  list(GET long 1 seconds)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST ${seconds})
  endif()
endforeach()
