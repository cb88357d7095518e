import lev.ApiClient;

class Clients {
    static ApiClient client(String key) {
        ApiClient client = new ApiClient();
        client.setBasePath(System.getenv("BASE"));
        client.setBearerToken(key);
        return client;
    }
}
