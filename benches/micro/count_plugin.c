/* A plugin of qemu's user mode that says how many instructions a program ran: instructions.sh
 * compiles it. Debian's qemu comes without its header, so what is used of that is declared here;
 * it is version 1 of the interface. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb block;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, block *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(block *, int operation, void *to, uint64_t number);
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern size_t qemu_plugin_tb_n_insns(const block *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { ADD_U64 = 0 };
static uint64_t count;

static void translated(plugin_id id, block *translated) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(translated, ADD_U64, &count, qemu_plugin_tb_n_insns(translated));
}

static void at_exit(plugin_id id, void *data) {
    (void)id, (void)data;
    fprintf(stderr, "instructions: %" PRIu64 "\n", count);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    (void)info, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_exit, NULL);
    return 0;
}
