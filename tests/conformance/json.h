/*
 * Reads JSON as it is in this directory, where strings have no escapes. For the runners
 * in C99 and C++17; what is wrong in a file ends the program.
 */
#ifndef CONFORMANCE_JSON_H
#define CONFORMANCE_JSON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct json {
    char kind;          /* '{', '[', '"'; of numbers, true, false, null the first character */
    const char *name;   /* where it is a member of an object */
    const char *text;   /* a NUL-terminated string; or where a number starts, for strtod */
    size_t n;           /* members of an object or list */
    struct json *first; /* of those */
    struct json *next;  /* behind this one */
} json;

static inline void json_wrong(const char *at) {
    printf("JSON: unexpected \"%.40s\"\n", at);
    exit(2);
}

/* Behind what is of `these`. Not by strspn, for which AddressSanitizer looks for the end of the
 * file each time. */
static inline char *json_past(char *at, const char *these) {
    while (*at && strchr(these, *at)) ++at;
    return at;
}
static inline char *json_space(char *at) { return json_past(at, " \t\r\n"); }

/* A string without its quotes; `*at` is behind it then. */
static inline const char *json_string(char **at) {
    char *start = *at + 1, *end = start;
    while (*end && *end != '"' && *end != '\\') ++end;
    if (**at != '"' || *end != '"') json_wrong(*at);
    *end = 0;
    *at = end + 1;
    return start;
}

/* Reads a value and puts `*at` behind it. The text has to stay. */
static inline json *json_value(char **at) {
    json *value = (json *)calloc(1, sizeof *value), **last;
    if (!value) exit(2);
    *at = json_space(*at);
    value->kind = **at;
    last = &value->first;
    if (value->kind == '"') {
        value->text = json_string(at);
    } else if (value->kind == '{' || value->kind == '[') {
        const char end = value->kind == '{' ? '}' : ']';
        *at = json_space(*at + 1);
        while (**at != end) {
            const char *name = NULL;
            if (value->n++) {
                if (**at != ',') json_wrong(*at);
                *at = json_space(*at + 1);
            }
            if (end == '}') {
                name = json_string(at);
                *at = json_space(*at);
                if (*(*at)++ != ':') json_wrong(*at - 1);
            }
            *last = json_value(at);
            (*last)->name = name;
            last = &(*last)->next;
            *at = json_space(*at);
        }
        ++*at;
    } else {
        value->text = *at;
        *at = json_past(*at, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");
        if (*at == value->text) json_wrong(*at);
    }
    return value;
}

static inline void json_free(json *value) {
    while (value) {
        json *next = value->next;
        json_free(value->first);
        free(value);
        value = next;
    }
}

/* A whole file. `*text` is to be freed after it. */
static inline json *json_file(const char *path, char **text) {
    FILE *file = fopen(path, "rb");
    long size = 0;
    char *at;
    json *value;
    if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) json_wrong(path);
    *text = at = (char *)calloc((size_t)size + 1, 1);
    if (!at || fread(at, 1, (size_t)size, file) != (size_t)size) json_wrong(path);
    fclose(file);
    value = json_value(&at);
    if (*json_space(at)) json_wrong(at);
    return value;
}

/* A member of an object; NULL if there is none. */
static inline json *json_find(const json *object, const char *name) {
    json *one = object ? object->first : NULL;
    while (one && strcmp(one->name, name)) one = one->next;
    return one;
}

/* A member that has to be there. */
static inline json *json_get(const json *object, const char *name) {
    json *found = json_find(object, name);
    if (!found) json_wrong(name);
    return found;
}

/* A number by itself, for the same reason. */
typedef struct {
    char text[40];
} json_digits;
static inline json_digits json_number(const json *value) {
    json_digits digits = {{0}};
    strncpy(digits.text, value->text, sizeof digits.text - 1);
    return digits;
}

/* strtod knows "nan" and "inf". */
static inline double json_double(const json *value) { return strtod(json_number(value).text, NULL); }
static inline int64_t json_int64(const json *value) { return strtoll(json_number(value).text, NULL, 10); }
static inline uint64_t json_uint64(const json *value) { return strtoull(json_number(value).text, NULL, 10); }
static inline uint64_t json_word(const json *value) { return strtoull(json_number(value).text, NULL, 16); }

#endif
